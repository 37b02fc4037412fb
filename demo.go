package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"headroom/internal/auth"
	"headroom/webhooks"
)

//go:embed enhance/testdata/portraits/08-spacesuit-512px.jpg
var samplePortrait []byte

// demoState is what a first start leaves in the data folder, so that a second one can tell the same again.
type demoState struct {
	Email    string `json:"email"`
	Password string `json:"password"`
	APIKey   string `json:"api_key"`
	StudioID string `json:"studio_id,omitempty"`
	Headshot string `json:"headshot,omitempty"` // submission id, once the sample is through
}

// demo is `make run`: a server on ./data whose first start sends a bundled portrait through the whole
// flow, over HTTP like any client, and receives the webhook itself.
func demo(ctx context.Context, p *program, f *pflag.FlagSet) error {
	role, _ := f.GetString("role")
	data := cmp.Or(p.getenv("HEADROOM_DATA"), "./data")
	path := filepath.Join(data, "demo.json")
	state, err := loadDemo(path)
	if err != nil {
		return err
	}
	// On an empty database these make the account; on any other they do nothing.
	settings := map[string]string{
		"HEADROOM_BOOTSTRAP_KEY": state.APIKey, "HEADROOM_BOOTSTRAP_EMAIL": state.Email, "HEADROOM_BOOTSTRAP_PASSWORD": state.Password,
		"HEADROOM_WEBHOOKS_ALLOW_PRIVATE": "true",
	}
	outer := p.getenv
	p.getenv = func(name string) string { return cmp.Or(outer(name), settings[name]) }
	return p.serve(ctx, role, func(ctx context.Context, s *server) error {
		d := &demoRun{program: p, base: s.base, state: state, path: path, data: data}
		if state.Headshot == "" {
			if err := d.walk(ctx); err != nil {
				return fmt.Errorf("the sample portrait: %w", err)
			}
			return d.tell(ctx)
		}
		if err := d.tell(ctx); err != nil { // the sample may be deleted by now, the key revoked: it is your server
			p.log.WarnContext(ctx, "the first headshot cannot be shown", "error", err)
			d.say("serving on %s; for a new start, delete %s", s.base, d.data)
		}
		return nil
	})
}

func loadDemo(path string) (demoState, error) {
	var state demoState
	raw, err := os.ReadFile(path)
	if err == nil {
		return state, json.Unmarshal(raw, &state)
	}
	if !errors.Is(err, os.ErrNotExist) {
		return state, err
	}
	state = demoState{Email: "owner@example.com", Password: strings.ToLower(rand.Text()[:16])}
	if state.APIKey, err = auth.NewAPIKey(false); err != nil {
		return state, err
	}
	return state, state.save(path)
}

func (d demoState) save(path string) error {
	raw, err := json.MarshalIndent(d, "", "  ") //nolint:gosec // the password is for whoever owns the folder
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return os.WriteFile(path, raw, 0o600)
}

type demoRun struct {
	*program
	base, path, data string
	state            demoState
}

// say prints a line for the person at the terminal.
func (d *demoRun) say(format string, args ...any) { _, _ = fmt.Fprintf(d.stderr, format+"\n", args...) }

// walk sends the sample through: contact and session, photo by the capture link, webhook.
func (d *demoRun) walk(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	received := make(chan error, 1)
	secret := make(chan string, 1)
	receiver, err := receive(ctx, secret, received)
	if err != nil {
		return err
	}
	defer func() { _ = receiver.Close() }()
	var studios struct{ Data []struct{ ID string } }
	if err := d.call(ctx, http.MethodGet, "/studios", nil, &studios); err != nil {
		return err
	}
	if len(studios.Data) == 0 {
		return errors.New("the account has no studio")
	}
	d.state.StudioID = studios.Data[0].ID
	var endpoint struct{ ID, Secret string }
	if err := d.call(ctx, http.MethodPost, "/webhook_endpoints", map[string]any{
		"url": receiver.url, "topics": []string{"SUBMISSION_COMPLETE"}, "description": "make run's own receiver, for the first portrait",
	}, &endpoint); err != nil {
		return err
	}
	secret <- endpoint.Secret
	var session struct{ ID, URL string }
	if err := d.call(ctx, http.MethodPost, "/studio_sessions", map[string]any{
		"studio_id": d.state.StudioID,
		"contact":   map[string]string{"first_name": "Sample", "last_name": "Portrait", "email": "sample@example.com"},
	}, &session); err != nil {
		return err
	}
	d.say("1. contact and capture link   %s", session.URL)
	start := time.Now()
	var sub struct{ ID string }
	if err := d.upload(ctx, session.ID, &sub); err != nil {
		return err
	}
	d.say("2. photo handed in            %s (%d ms)", sub.ID, time.Since(start).Milliseconds())
	select {
	case err = <-received:
	case <-ctx.Done():
		err = d.whyNot(context.WithoutCancel(ctx), sub.ID)
	}
	if err != nil {
		return err
	}
	d.say("3. SUBMISSION_COMPLETE        received and verified %d ms after the upload began", time.Since(start).Milliseconds())
	// The receiver ends here: without it, the endpoint would only fail.
	if err := d.call(ctx, http.MethodDelete, "/webhook_endpoints/"+endpoint.ID, nil, nil); err != nil {
		return err
	}
	d.state.Headshot = sub.ID
	return d.state.save(d.path)
}

func (d *demoRun) whyNot(ctx context.Context, id string) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	var sub map[string]any
	if err := d.call(ctx, http.MethodGet, "/submissions/"+id, nil, &sub); err != nil {
		return err
	}
	return fmt.Errorf("no webhook within 3 minutes; the submission is %v (%v)", sub["processing_state"], sub["failure"])
}

// tell prints where everything is.
func (d *demoRun) tell(ctx context.Context) error {
	var sub struct {
		StudioID  string `json:"studio_id"`
		ContactID string `json:"contact_id"`
		Images    []struct {
			Kind, URL string
		}
	}
	if err := d.call(ctx, http.MethodGet, "/submissions/"+d.state.Headshot, nil, &sub); err != nil {
		return err
	}
	file, url := filepath.Join(d.data, "first-headshot.jpg"), ""
	for _, img := range sub.Images {
		if img.Kind != "HEADSHOT" {
			continue
		}
		url = img.URL
		if err := download(ctx, url, file); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(d.stdout, `
finished headshot   %s
                    %s   (for 15 minutes)
portal              %s/   log in as %s   password %s
API key             %s
GraphiQL            %s/developers/graphiql/

A photo of your own, from this folder:

  curl -sS %s/api/v2/submissions -H "Authorization: Bearer %s" \
    -F studio_id=%s -F contact_id=%s -F photo=@me.jpg

Its headshot is in the portal a few seconds later.

Ctrl-C stops the server. What it keeps is in %s.
`, file, url, d.base, d.state.Email, d.state.Password, d.state.APIKey, d.base, d.base, d.state.APIKey, sub.StudioID, sub.ContactID, d.data)
	return err
}

func download(ctx context.Context, url, file string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(r) //nolint:forbidigo // the demo's own server
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	picture, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		return fmt.Errorf("download the headshot: %s (%w)", answer.Status, err)
	}
	return os.WriteFile(file, picture, 0o600)
}

func (d *demoRun) upload(ctx context.Context, sessionID string, out any) error {
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	if err := form.WriteField("studio_session_id", sessionID); err != nil {
		return err
	}
	part, err := form.CreateFormFile("photo", "portrait.jpg")
	if err != nil {
		return err
	}
	if _, err := part.Write(samplePortrait); err != nil {
		return err
	}
	if err := form.Close(); err != nil {
		return err
	}
	return d.do(ctx, http.MethodPost, "/submissions", form.FormDataContentType(), &body, out)
}

func (d *demoRun) call(ctx context.Context, method, path string, in, out any) error {
	if in == nil {
		return d.do(ctx, method, path, "", nil, out)
	}
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	return d.do(ctx, method, path, "application/json", bytes.NewReader(body), out)
}

func (d *demoRun) do(ctx context.Context, method, path, contentType string, body io.Reader, out any) error {
	r, err := http.NewRequestWithContext(ctx, method, d.base+"/api/v2"+path, body)
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bearer "+d.state.APIKey)
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	answer, err := http.DefaultClient.Do(r) //nolint:forbidigo // the demo's own server
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	raw, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	if answer.StatusCode >= http.StatusMultipleChoices {
		return fmt.Errorf("%s %s: %s: %s", method, path, answer.Status, bytes.TrimSpace(raw))
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(raw, out)
}

type demoReceiver struct {
	*http.Server
	url string
}

// receive listens on a port of its own and verifies the first delivery as any receiver would.
func receive(ctx context.Context, secret <-chan string, received chan<- error) (*demoReceiver, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
		if err == nil {
			select {
			case key := <-secret:
				_, err = webhooks.Verify(r.Header, body, key)
			case <-ctx.Done():
				err = ctx.Err()
			}
		}
		select {
		case received <- err:
		default: // a repeat of what was received already
		}
		w.WriteHeader(http.StatusNoContent)
	})
	s := &demoReceiver{Server: &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second}, url: "http://" + l.Addr().String() + "/"}
	go func() { _ = s.Serve(l) }()
	return s, nil
}
