package web

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// pageSize is how many submissions or contacts one page shows.
const pageSize = 24

type picture struct {
	Kind, Name, URL, ContentType string
	Width, Height                int
	Bytes                        int64
}

type person struct{ ID, FirstName, LastName, Email string }

// Name is what the person is called.
func (p person) Name() string { return strings.TrimSpace(p.FirstName + " " + p.LastName) }

type studio struct{ ID, Name string }

type remark struct{ Code, Message string }

type check struct {
	Code, Message string
	Passed        bool
	Value, Limit  float64
}

// submission is one as the pages show it; a document asks for the fields that its page needs.
type submission struct {
	ID, State, ProcessingState, ProgressStep string
	Version                                  int
	Complete                                 bool
	Progress                                 float64
	CreatedAt                                time.Time
	CompletedAt, ReviewedAt                  *time.Time
	Failure                                  *remark
	Warnings                                 []remark
	Quality                                  *struct {
		Score  float64
		Checks []check
	}
	ReviewReasons []string
	ReviewNote    *string
	ReviewedBy    *string
	ReplacesID    *string
	Contact       person
	Studio        studio
	Images        []picture
	Revision      *struct {
		Number      int
		Profile     string
		LookVersion int
	}
}

// Thumb is the smallest finished picture that is good for a tile, or nil.
func (s submission) Thumb() *picture {
	var best *picture
	for i, p := range s.Images {
		finished := p.Kind == "RENDITION" || p.Kind == "HEADSHOT"
		if finished && p.Width >= 200 && (best == nil || p.Width < best.Width) {
			best = &s.Images[i]
		}
	}
	return best
}

// Original is the photo as handed in.
func (s submission) Original() *picture { return s.first("ORIGINAL") }

// Headshot is the finished master, or nil.
func (s submission) Headshot() *picture { return s.first("HEADSHOT") }

func (s submission) first(kind string) *picture {
	for i, p := range s.Images {
		if p.Kind == kind {
			return &s.Images[i]
		}
	}
	return nil
}

// Downloads are the finished pictures: the master, its sizes from large to small, the cutout.
func (s submission) Downloads() []picture {
	rank := map[string]int{"HEADSHOT": 0, "RENDITION": 1, "CUTOUT": 2}
	out := slices.DeleteFunc(slices.Clone(s.Images), func(p picture) bool { return p.Kind == "ORIGINAL" })
	slices.SortStableFunc(out, func(a, b picture) int {
		return cmp.Or(cmp.Compare(rank[a.Kind], rank[b.Kind]), cmp.Compare(b.Width*b.Height, a.Width*a.Height))
	})
	return out
}

// Shown says whether browsers show the picture. HEIC is shown by Safari only.
func (p picture) Shown() bool { return !strings.Contains(p.ContentType, "hei") }

// Label says what the picture is, for download links.
func (p picture) Label() string {
	switch p.Kind {
	case "HEADSHOT":
		return "Full size"
	case "CUTOUT":
		return "Without background"
	case "ORIGINAL":
		return "Photo as sent"
	}
	if p.Width == p.Height {
		return "Square"
	}
	return p.Name
}

const submissionsDocument = `query Submissions($first: Int, $after: String, $last: Int, $before: String, $filter: SubmissionFilter, $studios: Boolean!) {
  submissions(first: $first, after: $after, last: $last, before: $before, filter: $filter) {
    totalCount pageInfo { nextCursor previousCursor }
    nodes {
      id state processingState complete progress createdAt
      contact { id firstName lastName email } studio { id name }
      images { kind name url width height contentType }
    }
  }
  studios(first: 100) @include(if: $studios) { nodes { id name } }
}`

type pageInfo struct{ NextCursor, PreviousCursor *string }

type gallery struct {
	Rows                      []submission
	Studios                   []studio
	Total                     int
	State, Processing, Studio string
	Filtered                  bool
	Next, Previous            string // addresses of the neighbour pages, or empty
}

func (wb *Web) submissions(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	g := gallery{State: q.Get("state"), Processing: q.Get("processing"), Studio: q.Get("studio")}
	filter := map[string]any{}
	for name, value := range map[string]string{"state": g.State, "processingState": g.Processing, "studioId": g.Studio} {
		if value != "" {
			filter[name] = value
			g.Filtered = true
		}
	}
	vars := paging(q)
	vars["filter"], vars["studios"] = filter, true
	var data struct {
		Submissions struct {
			TotalCount int
			PageInfo   pageInfo
			Nodes      []submission
		}
		Studios struct{ Nodes []studio }
	}
	if err := wb.query(r.Context(), submissionsDocument, vars, &data); err != nil {
		return err
	}
	g.Rows, g.Total, g.Studios = data.Submissions.Nodes, data.Submissions.TotalCount, data.Studios.Nodes
	g.Next, g.Previous = data.Submissions.PageInfo.links(r.URL)
	return wb.render(w, r, http.StatusOK, "submissions", view{Title: "Submissions", Nav: "submissions", Page: g})
}

// paging turns the cursors of an address into the arguments of a connection.
func paging(q url.Values) map[string]any {
	if before := q.Get("before"); before != "" {
		return map[string]any{"last": pageSize, "before": before}
	}
	if after := q.Get("after"); after != "" {
		return map[string]any{"first": pageSize, "after": after}
	}
	return map[string]any{"first": pageSize}
}

// links are the addresses of the next and previous page, with the filters kept.
func (p pageInfo) links(at *url.URL) (next, previous string) {
	link := func(name string, cursor *string) string {
		if cursor == nil {
			return ""
		}
		q := at.Query()
		q.Del("after")
		q.Del("before")
		q.Del("done")
		q.Set(name, *cursor)
		return at.Path + "?" + q.Encode()
	}
	return link("after", p.NextCursor), link("before", p.PreviousCursor)
}

const submissionDocument = `query Submission($id: ID!) {
  submission(id: $id) {
    id version state processingState progressStep progress complete completedAt createdAt replacesId
    failure { code message } warnings { code message }
    quality { score checks { code passed value limit message } }
    reviewReasons reviewNote reviewedBy reviewedAt
    contact { id firstName lastName email } studio { id name }
    images { kind name url width height contentType bytes }
    revision { number profile lookVersion }
  }
}`

func (wb *Web) submissionPage(w http.ResponseWriter, r *http.Request) error {
	return wb.showSubmission(w, r, http.StatusOK, "")
}

func (wb *Web) showSubmission(w http.ResponseWriter, r *http.Request, code int, alert string) error {
	var data struct{ Submission *submission }
	if err := wb.query(r.Context(), submissionDocument, map[string]any{"id": r.PathValue("id")}, &data); err != nil {
		return err
	}
	if data.Submission == nil {
		return missing()
	}
	v := view{Title: "Submission of " + data.Submission.Contact.Name(), Nav: "submissions", Alert: alert, Page: data.Submission}
	return wb.render(w, r, code, "submission", v)
}

const (
	acceptDocument    = `mutation Accept($input: AcceptSubmissionInput!) { acceptSubmission(input: $input) { submission { id } } }`
	rejectDocument    = `mutation Reject($input: RejectSubmissionInput!) { rejectSubmission(input: $input) { submission { id } } }`
	retakeDocument    = `mutation Retake($input: RequestRetakeInput!) { requestRetake(input: $input) { submission { id } } }`
	reprocessDocument = `mutation Reprocess($input: ReprocessSubmissionsInput!) { reprocessSubmissions(input: $input) { submissions { id } } }`
)

// review decides over a submission, or has it processed again.
func (wb *Web) review(w http.ResponseWriter, r *http.Request) error {
	id, form := r.PathValue("id"), r.PostForm
	input := map[string]any{"id": id}
	if version, ok := number(form.Get("version")); ok {
		input["version"] = version
	}
	if note := strings.TrimSpace(form.Get("note")); note != "" {
		input["note"] = note
	}
	document, verb := acceptDocument, r.PathValue("verb")
	done := verb
	switch verb {
	case "accept":
		done = "accepted"
	case "reject":
		document, done = rejectDocument, "rejected"
		input["reasons"] = reasons(form)
	case "retake":
		document = retakeDocument
		input["reasons"] = reasons(form)
	case "reprocess":
		document = reprocessDocument
		input = map[string]any{"filter": map[string]any{"ids": []string{id}}, "notify": form.Get("notify") != ""}
	default:
		return missing()
	}
	err := wb.query(r.Context(), document, map[string]any{"input": input}, nil)
	if words, code, ok := ofForm(err); ok {
		return wb.showSubmission(w, r, code, words)
	}
	if err != nil {
		return err
	}
	http.Redirect(w, r, "/submissions/"+url.PathEscape(id)+"?done="+done, http.StatusSeeOther) //nolint:gosec // a path of our own
	return nil
}

// reasons are the ticked ones and the lines of one's own.
func reasons(form url.Values) []string {
	out := slices.Clone(form["reason"])
	for line := range strings.Lines(form.Get("reasons")) {
		out = append(out, line)
	}
	for i := range out {
		out[i] = strings.TrimSpace(out[i])
	}
	return slices.DeleteFunc(out, func(s string) bool { return s == "" })
}
