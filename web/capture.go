package web

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"time"

	"headroom/internal/auth"
	"headroom/internal/tenancy"
)

const captureDocument = `mutation OpenCaptureSession {
  openCaptureSession { captureSession {
    state expiresAt redirectUrl consentedAt firstName
    studio { name brand guidelines consent { version text } }
    submissions {
      id state processingState complete progress progressStep createdAt reviewReasons
      failure { code message } warnings { code message } images { kind name url width height contentType bytes }
    }
  } }
}`

// captureSession is what the holder of a link may see.
type captureSession struct {
	State       string
	ExpiresAt   time.Time
	RedirectURL *string
	ConsentedAt *time.Time
	FirstName   string
	Studio      struct {
		Name, Guidelines string
		Brand            json.RawMessage
		Consent          struct{ Version, Text string }
	}
	Submissions []submission
}

// captureView is the capture page in one of its states: form, retake, failed, progress, review, done,
// rejected, expired, revoked or unknown. The first three hold the form.
type captureView struct {
	State     string
	Session   captureSession
	Name      string      // whose page this is: the brand's company, else the studio
	Company   string      // of the brand, or empty
	Color     string      // "#rrggbb" of the brand, or empty
	Last      *submission // the newest photo; nil before the first
	Steps     []captureStep
	OnwardURL string // where the person goes when done, or empty
	Onward    string // its host
}

// captureStep is one named part of the enhancement. Of is the enhancer's steps it stands for.
type captureStep struct{ Name, Of string }

func captureSteps() []captureStep {
	return []captureStep{
		{"Reading the photo", "admit decode"},
		{"Finding your face", "face frame"},
		{"Taking away the background", "matte refine"},
		{"Setting light and colours", "light foreground upscale"},
		{"Finishing your headshot", "compose quality encode"},
	}
}

// HasForm says whether the page takes a photo.
func (c captureView) HasForm() bool {
	return c.State == "form" || c.State == "retake" || c.State == "failed"
}

// AsksConsent says whether a box must be ticked first.
func (c captureView) AsksConsent() bool {
	return c.Session.Studio.Consent.Text != "" && c.Session.ConsentedAt == nil
}

// capturePage serves the page behind a capture link. The address is a secret: it must not be stored,
// indexed or sent on as a referrer.
func (wb *Web) capturePage(w http.ResponseWriter, r *http.Request) error {
	h := w.Header()
	h.Set("Content-Security-Policy", wb.policy("'self' blob: data:", "'self' blob:"))
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Permissions-Policy", "camera=(self), microphone=(), geolocation=()")

	ctx := r.Context()
	row, err := wb.Auth.Session(ctx, r.PathValue("token"))
	switch {
	case errors.Is(err, auth.ErrInvalid): // calling a link back changes its token, so that is among these
		return wb.closed(w, r, http.StatusNotFound, "unknown", "This link does not work")
	case err != nil:
		return err
	case row.State == "REVOKED":
		return wb.closed(w, r, http.StatusGone, "revoked", "This link was called back")
	case row.State == "EXPIRED" || !row.ExpiresAt.After(wb.Now()):
		return wb.closed(w, r, http.StatusGone, "expired", "This link has expired")
	}
	if r.Method == http.MethodHead { // a look at the address is not a look at the page
		w.WriteHeader(http.StatusOK)
		return nil
	}
	var data struct {
		OpenCaptureSession struct{ CaptureSession captureSession }
	}
	ctx = tenancy.With(ctx, auth.CaptureActor(row))
	if err := wb.query(ctx, captureDocument, nil, &data); err != nil {
		return err
	}
	v := captureOf(data.OpenCaptureSession.CaptureSession)
	return wb.write(w, r, http.StatusOK, "capture", view{Title: v.title(), Page: v})
}

// closed says why a link is not open.
func (wb *Web) closed(w http.ResponseWriter, r *http.Request, code int, state, title string) error {
	return wb.write(w, r, code, "capture", view{Title: title, Page: captureView{State: state, Name: "Your headshot"}})
}

var color = regexp.MustCompile(`^#[0-9a-fA-F]{6}$`)

func captureOf(s captureSession) captureView {
	v := captureView{Session: s, State: "form", Steps: captureSteps(), Name: s.Studio.Name}
	var brand struct{ Company, Color string }
	if len(s.Studio.Brand) > 0 && json.Unmarshal(s.Studio.Brand, &brand) == nil { // a brand of another shape is no reason to fail
		if brand.Company != "" {
			v.Company, v.Name = brand.Company, brand.Company
		}
		if color.MatchString(brand.Color) {
			v.Color = brand.Color
		}
	}
	if s.RedirectURL != nil {
		if u, err := url.Parse(*s.RedirectURL); err == nil {
			v.OnwardURL, v.Onward = *s.RedirectURL, u.Host
		}
	}
	if len(s.Submissions) == 0 {
		return v
	}
	v.Last = &s.Submissions[0]
	switch {
	case v.Last.State == "RETAKE_REQUESTED":
		v.State = "retake"
	case v.Last.State == "REJECTED":
		v.State = "rejected"
	case v.Last.Complete:
		v.State = "done"
	case v.Last.ProcessingState == "FAILED":
		v.State = "failed"
	case v.Last.ProcessingState == "COMPLETE":
		v.State = "review"
	default:
		v.State = "progress"
	}
	return v
}

func (c captureView) title() string {
	what := map[string]string{
		"form": "Your photo", "retake": "Another photo, please", "failed": "That photo did not work", "progress": "Making your headshot",
		"review": "Your headshot is being looked at", "done": "Your headshot is ready", "rejected": "Your photo was not accepted",
	}[c.State]
	return what + " – " + c.Name
}
