// Receiver is a webhook receiver to start from: it verifies every delivery, acts once per
// event, and prints one line for each.
//
//	receiver --addr 127.0.0.1:9000 --secret whsec_…
//
// It answers 204 to what it took (or had taken before), and 401 to what it cannot verify.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"

	"headroom/webhooks"
)

// maxBody is far above any event's size.
const maxBody = 4 << 20

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		if !errors.Is(err, flag.ErrHelp) {
			_, _ = fmt.Fprintln(os.Stderr, "receiver:", err)
		}
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out, errOut io.Writer) error {
	flags := flag.NewFlagSet("receiver", flag.ContinueOnError)
	flags.SetOutput(errOut)
	addr := flags.String("addr", "127.0.0.1:9000", "listen `address`; port 0 picks one and prints it")
	secret := flags.String("secret", "", "the endpoint's `secret`, whsec_…")
	secretFile := flags.String("secret-file", "", "`file` that holds the secret instead")
	printJSON := flags.Bool("print-json", false, "print each delivery as a line of JSON, with its body")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *secretFile != "" {
		content, err := os.ReadFile(*secretFile)
		if err != nil {
			return err
		}
		*secret = strings.TrimSpace(string(content))
	}
	if _, err := webhooks.Verify(http.Header{}, nil, *secret); errors.Is(err, webhooks.ErrSecret) {
		return fmt.Errorf("--secret or --secret-file: %w", err)
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", *addr)
	if err != nil {
		return err
	}
	server := &http.Server{
		Handler:           &receiver{secret: *secret, json: *printJSON, out: out, seen: make(map[string]bool)},
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
	}
	_, _ = fmt.Fprintf(errOut, "listening on http://%s\n", listener.Addr())
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
		shutdown, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		return server.Shutdown(shutdown)
	}
}

// delivery is what is printed with --print-json.
type delivery struct {
	Result  string          `json:"result"` // accepted, duplicate or rejected
	Reason  string          `json:"reason,omitempty"`
	ID      string          `json:"event_id,omitempty"`
	Topic   string          `json:"topic,omitempty"`
	Subject string          `json:"subject,omitempty"`
	Attempt int             `json:"attempt,omitempty"`
	Body    json.RawMessage `json:"body,omitempty"`
}

type receiver struct {
	secret string
	json   bool

	mu    sync.Mutex // holds seen, order and out
	out   io.Writer
	seen  map[string]bool
	order []string
}

func (rc *receiver) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	// The raw bytes: a body that was parsed and printed again has another hash.
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	claims, err := webhooks.Verify(r.Header, body, rc.secret)
	if err != nil {
		rc.print(delivery{Result: "rejected", Reason: err.Error()})
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	hook := claims.Webhook
	d := delivery{Result: "accepted", ID: hook.ID, Topic: hook.Event, Subject: claims.Subject, Attempt: hook.Attempt, Body: body}
	if !rc.first(hook.ID) {
		d.Result = "duplicate" // already acted on; say yes again, or it will be repeated
	}
	rc.print(d)
	w.WriteHeader(http.StatusNoContent)
}

// first says whether an event is new. A real receiver keeps the id in the same
// transaction as what it does about the event; this one remembers the last 10,000.
func (rc *receiver) first(id string) bool {
	rc.mu.Lock()
	defer rc.mu.Unlock()
	if rc.seen[id] {
		return false
	}
	rc.seen[id] = true
	rc.order = append(rc.order, id)
	if len(rc.order) > 10_000 {
		delete(rc.seen, rc.order[0])
		rc.order = rc.order[1:]
	}
	return true
}

func (rc *receiver) print(d delivery) {
	line := fmt.Sprintf("%s %s %s subject=%s attempt=%d", d.Result, d.Topic, d.ID, d.Subject, d.Attempt)
	if d.Result == "rejected" {
		line = fmt.Sprintf("rejected %q", d.Reason)
	}
	if rc.json {
		encoded, err := json.Marshal(d)
		if err != nil { // a body that is no JSON
			d.Body = nil
			d.Reason = err.Error()
			encoded, _ = json.Marshal(d)
		}
		line = string(encoded)
	}
	rc.mu.Lock()
	defer rc.mu.Unlock()
	_, _ = fmt.Fprintln(rc.out, line)
}
