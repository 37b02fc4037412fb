package web

import (
	"bytes"
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"strings"

	"headroom/graph"
	"headroom/internal/auth"
	"headroom/internal/tenancy"
)

//go:embed templates/*.html
var templateFiles embed.FS

// maxForm is the largest form taken, in bytes. No form here holds a file.
const maxForm = 64 << 10

// view is what the layout and a page's template get.
type view struct {
	Title  string
	Nav    string // the entry of the navigation that is current
	User   *who   // nil when nobody is logged in
	Notice string // what was just done
	Alert  string // what went wrong
	Page   any
}

// who is logged in.
type who struct {
	actor          tenancy.Actor
	Email, Account string
	Test           bool
}

// Can says whether the user holds a scope.
func (u *who) Can(scope string) bool { return u.actor.Can(scope) }

// handler is a page. Its error becomes an error page.
type handler func(w http.ResponseWriter, r *http.Request) error

func loadPages(files *assets) (map[string]*template.Template, error) {
	layout, err := template.New("layout.html").Funcs(functions(files)).ParseFS(templateFiles, "templates/layout.html", "templates/parts.html")
	if err != nil {
		return nil, fmt.Errorf("web: %w", err)
	}
	pages := map[string]*template.Template{}
	for _, name := range []string{"login", "error", "submissions", "submission", "contacts", "contact", "developers", "capture"} {
		page, err := layout.Clone()
		if err == nil {
			page, err = page.ParseFS(templateFiles, "templates/"+name+".html")
		}
		if err != nil {
			return nil, fmt.Errorf("web: page %s: %w", name, err)
		}
		pages[name] = page
	}
	return pages, nil
}

// open serves a page that needs no log-in.
func (wb *Web) open(h handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		wb.headers(w.Header())
		if err := wb.guarded(h, w, r); err != nil {
			wb.fail(w, r, err)
		}
	})
}

// member serves a page to those who are logged in and sends everybody else to the log-in.
func (wb *Web) member(h handler) http.Handler {
	return wb.open(func(w http.ResponseWriter, r *http.Request) error {
		actor, err := wb.actor(r)
		if errors.Is(err, auth.ErrInvalid) {
			http.Redirect(w, r, "/", http.StatusSeeOther)
			return nil
		}
		if err != nil {
			return err
		}
		return h(w, r.WithContext(tenancy.With(r.Context(), actor)))
	})
}

// guarded refuses writes that come from other sites, and huge forms.
func (wb *Web) guarded(h handler, w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	wb.trustOnce.Do(func() { // behind a proxy that changes Host, the browser's origin is the base URL's
		if u, err := url.Parse(wb.BaseURL()); err == nil && u.Host != "" {
			if err := wb.sameSite.AddTrustedOrigin(u.Scheme + "://" + u.Host); err != nil {
				wb.Log.WarnContext(ctx, "the base URL is no origin", "error", err)
			}
		}
	})
	if err := wb.sameSite.Check(r); err != nil {
		return &fault{code: "FORBIDDEN", message: "This form was sent from another site, so nothing was done."}
	}
	if r.Method == http.MethodPost {
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		if err := r.ParseForm(); err != nil {
			return &fault{code: "BAD_USER_INPUT", message: "The form could not be read."}
		}
	}
	return h(w, r)
}

// actor finds who the session cookie belongs to. Errors: auth.ErrInvalid when nobody.
func (wb *Web) actor(r *http.Request) (tenancy.Actor, error) {
	c, err := r.Cookie(auth.Cookie)
	if err != nil || c.Value == "" {
		return tenancy.Actor{}, auth.ErrInvalid
	}
	return wb.Auth.Portal(r.Context(), c.Value)
}

// headers are those of every page. Sending the referrer to ourselves keeps Origin on form posts.
func (wb *Web) headers(h http.Header) {
	h.Set("Content-Security-Policy", wb.policy("'self' data:", "'none'"))
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Robots-Tag", "noindex")
}

func (wb *Web) policy(images, media string) string {
	if u, err := url.Parse(wb.BaseURL()); err == nil && u.Host != "" { // signed URLs start with it, by whatever name we were called
		images += " " + u.Scheme + "://" + u.Host
	}
	if wb.ImgSrc != "" {
		images += " " + strings.Join(strings.Fields(wb.ImgSrc), " ")
	}
	return "default-src 'none'; script-src 'self'; style-src 'self'; img-src " + images + "; media-src " + media +
		"; font-src 'self'; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
}

// query runs a document as the actor of ctx and decodes its data into out, which may be nil. When the
// answer has errors, the first is returned as a *fault.
func (wb *Web) query(ctx context.Context, document string, variables map[string]any, out any) error {
	answer := wb.Exec(ctx, graph.Request{Document: document, Variables: variables})
	if len(answer.Errors) > 0 {
		return faultOf(answer.Errors[0])
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(answer.Data, out); err != nil {
		return fmt.Errorf("decode the answer of %.40q: %w", strings.TrimSpace(document), err)
	}
	return nil
}

const viewerDocument = `query Viewer { viewer { user { email } account { name mode } } }`

// user finds out who is logged in, for the layout.
func (wb *Web) user(ctx context.Context) (*who, error) {
	actor, ok := tenancy.From(ctx)
	if !ok || actor.Kind != tenancy.User {
		return nil, nil //nolint:nilnil // nobody is logged in, and that is fine
	}
	var data struct {
		Viewer struct {
			User    *struct{ Email string }
			Account struct{ Name, Mode string }
		}
	}
	if err := wb.query(ctx, viewerDocument, nil, &data); err != nil {
		return nil, err
	}
	u := &who{actor: actor, Account: data.Viewer.Account.Name, Test: data.Viewer.Account.Mode == "TEST"}
	if data.Viewer.User != nil {
		u.Email = data.Viewer.User.Email
	}
	return u, nil
}

// render writes a page. Nothing is written before the template has run to its end.
func (wb *Web) render(w http.ResponseWriter, r *http.Request, status int, page string, v view) error {
	if v.User == nil {
		u, err := wb.user(r.Context())
		if err != nil {
			return err
		}
		v.User = u
	}
	if v.Notice == "" {
		v.Notice = notice(r.URL.Query().Get("done"))
	}
	return wb.write(w, r, status, page, v)
}

func (wb *Web) write(w http.ResponseWriter, r *http.Request, status int, page string, v view) error {
	var b bytes.Buffer
	shell := "layout.html"
	if page == "capture" { // it has no navigation and its own script
		shell = "capture.html"
	}
	if err := wb.pages[page].ExecuteTemplate(&b, shell, v); err != nil {
		return fmt.Errorf("page %s: %w", page, err)
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(b.Bytes()) // the status line is out: an error here means that the client has gone
	}
	return nil
}

// notice is what a page says after a redirect. Only these words can be shown, whatever the address says.
func notice(done string) string {
	return map[string]string{
		"accepted": "The submission is accepted.", "rejected": "The submission is rejected.",
		"retake":      "Another photo was asked for.",
		"reprocess":   "The photo is being processed again. The present pictures stay until it is done.",
		"contact":     "The contact was added.",
		"link":        "The capture link was made. Send it to the person.",
		"link-ended":  "The capture link was called back.",
		"key-revoked": "The API key was revoked.",
		"pause":       "The endpoint is paused. Its events are kept.",
		"resume":      "The endpoint gets events again.",
		"test":        "A test event is on its way.",
		"delete":      "The endpoint was deleted.",
		"replay":      "The delivery is sent again.",
	}[done]
}
