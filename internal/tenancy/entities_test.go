package tenancy_test

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"headroom/ent"
	"headroom/ent/migrate"
	"headroom/internal/database"
	"headroom/internal/database/dbtest"
	"headroom/internal/tenancy"
)

// entity is one of the clients of ent.Client, such as client.Contact. The tests go over all of them by
// reflection, so that a new one is tested without anybody thinking of it.
type entity struct {
	typ    string // such as "Contact"
	client reflect.Value
}

func entities(t *testing.T, c *ent.Client) []entity {
	t.Helper()
	var all []entity
	v := reflect.ValueOf(c).Elem()
	for i := range v.NumField() {
		field := v.Type().Field(i)
		if field.IsExported() && strings.HasSuffix(field.Type.String(), "Client") {
			all = append(all, entity{field.Name, v.Field(i)})
		}
	}
	if len(all) != len(migrate.Tables) {
		t.Fatalf("found %d entities, the schema has %d tables", len(all), len(migrate.Tables))
	}
	return all
}

// call calls a method by name; a last result that is an error comes apart.
func call(v reflect.Value, method string, args ...any) ([]reflect.Value, error) {
	in := make([]reflect.Value, len(args))
	for i, arg := range args {
		in[i] = reflect.ValueOf(arg)
	}
	out := v.MethodByName(method).Call(in)
	if n := len(out); n > 0 && out[n-1].Type() == reflect.TypeFor[error]() {
		err, _ := reflect.TypeAssert[error](out[n-1])
		return out[:n-1], err
	}
	return out, nil
}

// must is call for what cannot fail.
func must(t *testing.T, v reflect.Value, method string, args ...any) reflect.Value {
	t.Helper()
	out, err := call(v, method, args...)
	if err != nil {
		t.Fatalf("%s: %v", method, err)
	}
	return out[0]
}

func hasID(e entity) bool { return e.client.MethodByName("UpdateOneID").IsValid() }

// rows is all rows of a type that ctx sees, as JSON by id (or by number where there is none).
func rows(ctx context.Context, t *testing.T, e entity) map[string]string {
	t.Helper()
	out, err := call(must(t, e.client, "Query"), "All", ctx)
	if err != nil {
		t.Fatalf("list %s: %v", e.typ, err)
	}
	found := map[string]string{}
	for i := range out[0].Len() {
		row := out[0].Index(i).Elem()
		text, err := json.Marshal(row.Interface())
		if err != nil {
			t.Fatal(err)
		}
		id := string(text)
		if field := row.FieldByName("ID"); field.IsValid() {
			id = field.String()
		}
		found[id] = string(text)
	}
	return found
}

// setters are the setters of an update builder that set a plain value of the type's own.
func setters(builder reflect.Value) map[string]reflect.Value {
	values := map[string]reflect.Value{}
	for i := range builder.NumMethod() {
		method := builder.Type().Method(i)
		if !strings.HasPrefix(method.Name, "Set") || strings.HasPrefix(method.Name, "SetNillable") || method.Type.NumIn() != 2 {
			continue
		}
		switch in := method.Type.In(1); {
		case in == reflect.TypeFor[time.Time]():
			values[method.Name] = reflect.ValueOf(time.Now())
		case in == reflect.TypeFor[json.RawMessage]():
			values[method.Name] = reflect.ValueOf(json.RawMessage(`{"pwned":true}`))
		case in.Kind() == reflect.String && in.Name() == "string" && !strings.HasSuffix(method.Name, "ID"):
			values[method.Name] = reflect.ValueOf("pwned")
		case in.Kind() == reflect.Int || in.Kind() == reflect.Int64:
			values[method.Name] = reflect.ValueOf(7).Convert(in)
		case in.Kind() == reflect.Bool:
			values[method.Name] = reflect.ValueOf(true)
		}
	}
	return values
}

func TestAnotherAccountCannotReachAnyEntity(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		c := db.Client()
		mine, theirs := newWorld(t, c), newWorld(t, c)
		me, they := mine.key(t.Context()), theirs.key(t.Context())
		for _, e := range entities(t, c) {
			before := rows(they, t, e)
			if len(before) != 1 {
				t.Fatalf("%s: the world has %d rows, not one", e.typ, len(before))
			}
			if got := rows(me, t, e); len(got) != 1 || reflect.DeepEqual(got, before) {
				t.Errorf("%s: list: saw %v", e.typ, got)
			}
			if n := must(t, must(t, e.client, "Query"), "CountX", me).Int(); n != 1 {
				t.Errorf("%s: count: %d rows, want only my own", e.typ, n)
			}
			if hasID(e) {
				reachOne(me, t, e, theirs.ids[e.typ])
			}
			reachAll(me, t, c, e.typ)
			if after := rows(they, t, e); !reflect.DeepEqual(before, after) {
				t.Errorf("%s: another account changed\n%v\ninto\n%v", e.typ, before, after)
			}
		}
	})
}

// reachOne tries to get, update and delete the row id of another account.
func reachOne(me context.Context, t *testing.T, e entity, id string) {
	t.Helper()
	if id == "" {
		t.Fatalf("%s: the world has no row", e.typ)
	}
	if _, err := call(e.client, "Get", me, id); !ent.IsNotFound(err) {
		t.Errorf("%s: get: %v", e.typ, err)
	}
	// Without any change ent runs no UPDATE that the filter could stand on, and returns the row.
	if row, err := call(must(t, e.client, "UpdateOneID", id), "Save", me); !ent.IsNotFound(err) {
		t.Errorf("%s: empty update: %v, %v", e.typ, row, err)
	}
	for setter, value := range setters(must(t, e.client, "UpdateOneID", id)) {
		update := must(t, e.client, "UpdateOneID", id)
		update.MethodByName(setter).Call([]reflect.Value{value})
		if _, err := call(update, "Save", me); !ent.IsNotFound(err) && !ent.IsValidationError(err) {
			t.Errorf("%s: update %s: %v", e.typ, setter, err)
		}
	}
	_, err := call(must(t, e.client, "DeleteOneID", id), "Exec", me)
	if !ent.IsNotFound(err) && !errors.Is(err, tenancy.ErrReadOnly) {
		t.Errorf("%s: delete: %v", e.typ, err)
	}
}

// reachAll tries to update and delete all rows there are, each time in a transaction that is rolled
// back, as it may well change the caller's own.
func reachAll(me context.Context, t *testing.T, c *ent.Client, typ string) {
	t.Helper()
	inTx := func(try func(client reflect.Value)) {
		tx, err := c.Tx(me)
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := tx.Rollback(); err != nil {
				t.Fatal(err)
			}
		}()
		try(reflect.ValueOf(tx.Client()).Elem().FieldByName(typ))
	}
	for setter, value := range setters(must(t, reflect.ValueOf(c).Elem().FieldByName(typ), "Update")) {
		inTx(func(client reflect.Value) {
			update := must(t, client, "Update")
			update.MethodByName(setter).Call([]reflect.Value{value})
			out, err := call(update, "Save", me)
			switch {
			case err != nil && !ent.IsValidationError(err) && !ent.IsConstraintError(err):
				t.Errorf("%s: update all, %s: %v", typ, setter, err)
			case err == nil && out[0].Int() != 1:
				t.Errorf("%s: update all, %s: reached %d rows, want my one", typ, setter, out[0].Int())
			}
		})
	}
	inTx(func(client reflect.Value) {
		out, err := call(must(t, client, "Delete"), "Exec", me)
		switch {
		case err == nil && out[0].Int() != 1:
			t.Errorf("%s: delete all: reached %d rows, want my one", typ, out[0].Int())
		case err != nil && !database.IsForeignKey(err) && !errors.Is(err, tenancy.ErrReadOnly):
			t.Errorf("%s: delete all: %v", typ, err)
		}
	})
}

// free are the setters of ids that are notes and not references.
var free = regexp.MustCompile(`^Set(ID|AccountID|ExternalID|RequestID|SubjectID|ActorID|OwnerID|LiveAccountID)$`)

// linkers are the methods of a mutation that set ids of other rows.
func linkers(mutation reflect.Value) []string {
	link := regexp.MustCompile(`^(Add[A-Z].+IDs|Set.+ID)$`)
	var names []string
	for i := range mutation.NumMethod() {
		if name := mutation.Type().Method(i).Name; link.MatchString(name) && !free.MatchString(name) {
			names = append(names, name)
		}
	}
	return names
}

// TestNoEntityLinksToAnotherAccount tries every id of another account in every place of every entity
// where an id can be written, and then every id of its own: exactly the right type must pass. A new
// edge or id column that target() does not know fails both ways.
func TestNoEntityLinksToAnotherAccount(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		c := db.Client()
		mine, theirs := newWorld(t, c), newWorld(t, c)
		me := mine.key(t.Context())
		links := 0
		for _, e := range entities(t, c) {
			if e.typ == ent.TypeAccount {
				continue // nobody but System makes one, and it refers only to its twin
			}
			ops := map[string]func() reflect.Value{"create": func() reflect.Value { return must(t, e.client, "Create") }}
			if hasID(e) {
				ops["update"] = func() reflect.Value { return must(t, e.client, "UpdateOneID", mine.ids[e.typ]) }
			}
			for op, builder := range ops {
				for _, link := range linkers(must(t, builder(), "Mutation")) {
					links++
					attempt := func(id string) error {
						b := builder()
						must(t, b, "Mutation").MethodByName(link).Call([]reflect.Value{reflect.ValueOf(id)})
						_, err := call(b, "Save", me)
						return err
					}
					for typ, id := range theirs.ids {
						if err := attempt(id); !isReference(err) {
							t.Errorf("%s: %s: %s to their %s: %v", e.typ, op, link, typ, err)
						}
					}
					var passed []string
					for typ, id := range mine.ids {
						if err := attempt(id); !isReference(err) {
							passed = append(passed, typ)
						}
					}
					if len(passed) != 1 {
						t.Errorf("%s: %s: %s accepts my %v, want exactly one type", e.typ, op, link, passed)
					}
				}
			}
		}
		if links < 60 {
			t.Errorf("tried only %d links; the methods' names must have changed", links)
		}
	})
}

func isReference(err error) bool {
	_, ok := errors.AsType[*tenancy.ReferenceError](err)
	return ok
}

func TestNothingWorksWithoutAnActor(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		c := db.Client()
		w := newWorld(t, c)
		contexts := map[string]context.Context{
			"none":           t.Context(),
			"zero":           tenancy.With(t.Context(), tenancy.Actor{}),
			"unknown kind":   tenancy.With(t.Context(), tenancy.Actor{Kind: "root", AccountID: w.account}),
			"no account":     tenancy.With(t.Context(), tenancy.Actor{Kind: tenancy.Key}),
			"worker nowhere": tenancy.AsWorker(t.Context(), ""),
			"half a capture": tenancy.With(t.Context(), tenancy.Actor{Kind: tenancy.Capture, AccountID: w.account}),
		}
		for _, e := range entities(t, c) {
			for name, ctx := range contexts {
				attempts := map[string]func() error{
					"query":  func() error { _, err := call(must(t, e.client, "Query"), "All", ctx); return err },
					"count":  func() error { _, err := call(must(t, e.client, "Query"), "Count", ctx); return err },
					"create": func() error { _, err := call(must(t, e.client, "Create"), "Save", ctx); return err },
					"update": func() error { _, err := call(must(t, e.client, "Update"), "Save", ctx); return err },
					"delete": func() error { _, err := call(must(t, e.client, "Delete"), "Exec", ctx); return err },
				}
				for op, attempt := range attempts {
					if err := attempt(); !errors.Is(err, tenancy.ErrNoActor) {
						t.Errorf("%s: %s with actor %q: %v", e.typ, op, name, err)
					}
				}
			}
		}
	})
}
