package graph_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"headroom/internal/database"
	"headroom/internal/database/dbtest"
	"headroom/internal/headshot"
)

const pageOfContacts = `query($first: Int, $last: Int, $after: String, $before: String, $order: ContactOrder! = LAST_NAME_ASC, $filter: ContactFilter) {
	contacts(first: $first, last: $last, after: $after, before: $before, orderBy: $order, filter: $filter) {
		nodes { lastName } edges { cursor node { lastName } }
		pageInfo { hasNextPage hasPreviousPage startCursor endCursor nextCursor previousCursor hasMore } totalCount
	}
}`

func names(a answer) []string {
	var out []string
	nodes, _ := a.get("contacts.nodes").([]any)
	for i := range nodes {
		out = append(out, strings.TrimPrefix(a.str(fmt.Sprintf("contacts.nodes.%d.lastName", i)), "Lovelace "))
	}
	return out
}

func TestPagesRunBothWaysAndStandStillUnderInserts(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		h := newHouseOn(t, db)
		for n := 10; n <= 70; n += 10 {
			h.contact(n)
		}
		key := h.account.APIKey
		first := h.must(key, pageOfContacts, "first", 3)
		if got := names(first); !slices.Equal(got, []string{"010", "020", "030"}) {
			t.Fatalf("first page is %v", got)
		}
		if first.get("contacts.pageInfo.hasMore") != true || first.get("contacts.pageInfo.previousCursor") != nil || first.get("contacts.totalCount") != 7.0 {
			t.Fatalf("first page info: %s", first.raw)
		}
		h.contact(5)  // before the page: must not move it
		h.contact(25) // within the page that was read: must not be seen again
		second := h.must(key, pageOfContacts, "first", 3, "after", first.str("contacts.pageInfo.nextCursor"))
		if got := names(second); !slices.Equal(got, []string{"040", "050", "060"}) {
			t.Fatalf("second page is %v", got)
		}
		third := h.must(key, pageOfContacts, "first", 3, "after", second.str("contacts.edges.2.cursor"))
		if got := names(third); !slices.Equal(got, []string{"070"}) || third.get("contacts.pageInfo.nextCursor") != nil || third.get("contacts.pageInfo.hasMore") != false {
			t.Fatalf("third page: %s", third.raw)
		}
		back := h.must(key, pageOfContacts, "last", 3, "before", second.str("contacts.pageInfo.previousCursor"))
		if got := names(back); !slices.Equal(got, []string{"020", "025", "030"}) || back.get("contacts.pageInfo.hasPreviousPage") != true {
			t.Fatalf("page before the second: %s", back.raw)
		}
		last := h.must(key, pageOfContacts, "last", 2)
		if got := names(last); !slices.Equal(got, []string{"060", "070"}) || last.get("contacts.pageInfo.nextCursor") != nil {
			t.Fatalf("last page: %s", last.raw)
		}
		for _, order := range []string{"CREATED_AT_DESC", "CREATED_AT_ASC", "LAST_NAME_DESC", "UPDATED_AT_DESC", "UPDATED_AT_ASC"} {
			seen := map[string]bool{}
			var after any
			for range 10 {
				p := h.must(key, pageOfContacts, "first", 2, "after", after, "order", order)
				for _, n := range names(p) {
					if seen[n] {
						t.Fatalf("%s shows %s twice", order, n)
					}
					seen[n] = true
				}
				if after = p.get("contacts.pageInfo.nextCursor"); after == nil {
					break
				}
			}
			if len(seen) != 9 {
				t.Errorf("%s shows %d of 9 contacts", order, len(seen))
			}
		}
	})
}

func TestPageSizesAreRequiredAndBounded(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for _, vars := range [][]any{nil, {"first", 0}, {"first", 101}, {"last", -1}, {"first", 1, "last", 1}} {
		if a := h.ask(h.account.APIKey, pageOfContacts, vars...); a.code() != "BAD_USER_INPUT" || a.detail() != "out_of_range" {
			t.Errorf("%v: %s", vars, a.raw)
		}
	}
}

func TestCursorsWorkOnlyWhereTheyWereMade(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for n := range 3 {
		h.contact(n)
	}
	other, err := h.service.CreateAccount(t.Context(), headshot.AccountInput{Name: "Other"})
	if err != nil {
		t.Fatal(err)
	}
	cursor := h.must(h.account.APIKey, pageOfContacts, "first", 1).str("contacts.pageInfo.endCursor")
	flipped := []byte(cursor)
	flipped[len(flipped)/2] ^= 1
	for name, ask := range map[string]func() answer{
		"tampered":      func() answer { return h.ask(h.account.APIKey, pageOfContacts, "first", 1, "after", string(flipped)) },
		"not a cursor":  func() answer { return h.ask(h.account.APIKey, pageOfContacts, "first", 1, "after", "?!") },
		"empty":         func() answer { return h.ask(h.account.APIKey, pageOfContacts, "first", 1, "after", "") },
		"other account": func() answer { return h.ask(other.APIKey, pageOfContacts, "first", 1, "after", cursor) },
		"other order": func() answer {
			return h.ask(h.account.APIKey, pageOfContacts, "first", 1, "after", cursor, "order", "LAST_NAME_DESC")
		},
		"other filter": func() answer {
			return h.ask(h.account.APIKey, pageOfContacts, "first", 1, "after", cursor, "filter", map[string]any{"email": "ada1@example.com"})
		},
		"other connection": func() answer {
			return h.ask(h.account.APIKey, `query($c: String) { lists(first: 1, after: $c) { nodes { id } } }`, "c", cursor)
		},
	} {
		if a := ask(); a.code() != "BAD_USER_INPUT" || a.detail() != "invalid_cursor" {
			t.Errorf("%s: %s", name, a.raw)
		}
	}
}

func TestFiltersNarrow(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		h := newHouseOn(t, db)
		for n := 1; n <= 4; n++ {
			h.contact(n)
		}
		list, err := h.service.CreateList(h.admin(), headshot.ListInput{Name: "Team"})
		if err != nil {
			t.Fatal(err)
		}
		two, err := h.service.CreateContact(h.admin(), headshot.ContactInput{
			FirstName: "Zoë", LastName: "Ångström", Email: "zoe@example.com", ListIDs: []string{list.ID}, StudioIDs: []string{h.account.Studio.ID},
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			filter map[string]any
			want   int
		}{
			{map[string]any{}, 5},
			{map[string]any{"email": "ADA1@example.com"}, 1},
			{map[string]any{"q": "zoe angstrom"}, 1},
			{map[string]any{"q": "lovelace"}, 4},
			{map[string]any{"listId": list.ID}, 1},
			{map[string]any{"studioId": h.account.Studio.ID}, 1},
			{map[string]any{"listId": "lst_unknown"}, 0},
			{map[string]any{"customAttributes": []any{map[string]any{"key": "team", "value": "t1"}}}, 2},
			{map[string]any{"customAttributes": []any{map[string]any{"key": "n", "value": "3"}, map[string]any{"key": "remote", "value": "true"}}}, 1},
			{map[string]any{"customAttributes": []any{map[string]any{"key": `te"am' OR 1`, "value": "t1"}}}, 0},
			{map[string]any{"createdAfter": two.CreatedAt.Format("2006-01-02T15:04:05.000Z07:00")}, 0},
		} {
			a := h.must(h.account.APIKey, pageOfContacts, "first", 100, "filter", c.filter)
			if got := len(names(a)); got != c.want || a.get("contacts.totalCount") != float64(c.want) {
				t.Errorf("filter %v: %d rows, %v counted, want %d", c.filter, got, a.get("contacts.totalCount"), c.want)
			}
		}
		if a := h.ask(h.account.APIKey, pageOfContacts, "first", 1, "filter", map[string]any{"q": "ab"}); a.code() != "BAD_USER_INPUT" {
			t.Errorf("a q of two characters: %s", a.raw)
		}
	})
}

func TestANestedPageIsOneStatementAnEdge(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		h := newHouseOn(t, db)
		list, err := h.service.CreateList(h.admin(), headshot.ListInput{Name: "Team"})
		if err != nil {
			t.Fatal(err)
		}
		for n := range 8 {
			c, err := h.service.CreateContact(h.admin(), headshot.ContactInput{
				FirstName: "Ada", LastName: fmt.Sprint(n), Email: fmt.Sprintf("a%d@example.com", n), ListIDs: []string{list.ID}, StudioIDs: []string{h.account.Studio.ID},
			})
			if err != nil {
				t.Fatal(err)
			}
			for range n {
				h.submit(c.ID)
			}
		}
		h.work()
		const query = `{ contacts(first: 50, orderBy: LAST_NAME_ASC) {
			nodes { lastName lists { name } studios { name } submissions(first: 3) { nodes { id } pageInfo { hasMore nextCursor } } }
			edges { node { two: submissions(first: 2, orderBy: CREATED_AT_ASC) { nodes { id } } } }
		} }`
		var a answer
		statements := h.counted(func() { a = h.must(h.key("admin"), query) })
		// contacts, lists, studios, submissions twice; and making the key and finding it.
		if limit := 5 + 4; statements > limit {
			t.Errorf("%d statements, want %d at most", statements, limit)
		}
		for n := range 8 {
			rows, _ := a.get(fmt.Sprintf("contacts.nodes.%d.submissions.nodes", n)).([]any)
			more := a.get(fmt.Sprintf("contacts.nodes.%d.submissions.pageInfo.hasMore", n))
			two, _ := a.get(fmt.Sprintf("contacts.edges.%d.node.two.nodes", n)).([]any)
			if len(rows) != min(n, 3) || more != (n > 3) || len(two) != min(n, 2) {
				t.Errorf("contact %d: %d submissions, more %v, two %d", n, len(rows), more, len(two))
			}
			if a.str(fmt.Sprintf("contacts.nodes.%d.lists.0.name", n)) != "Team" || a.str(fmt.Sprintf("contacts.nodes.%d.studios.0.name", n)) != "Headshots" {
				t.Errorf("contact %d lacks its list or studio: %s", n, a.raw)
			}
		}
		next := h.must(h.account.APIKey, `query($id: ID!, $c: String) { contact(id: $id) { submissions(first: 50, after: $c) { nodes { id } totalCount } } }`,
			"id", h.must(h.account.APIKey, `{ contacts(first: 1, orderBy: LAST_NAME_DESC) { nodes { id } } }`).str("contacts.nodes.0.id"),
			"c", a.str("contacts.nodes.7.submissions.pageInfo.nextCursor"))
		if rows, _ := next.get("contact.submissions.nodes").([]any); len(rows) != 4 || next.get("contact.submissions.totalCount") != 7.0 {
			t.Errorf("the page after a nested one: %s", next.raw)
		}
		statements = h.counted(func() {
			h.must(h.account.APIKey, `{ submissions(first: 50) { nodes { id images { url } revision { number images { id } } contact { email listIds studioIds } studio { name } } } }`)
		})
		// submissions, images, revision, its images, contact, listIds, studioIds, studio
		if statements > 8 {
			t.Errorf("submissions with all around them: %d statements", statements)
		}
	})
}
