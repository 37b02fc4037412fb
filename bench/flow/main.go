// Command flow measures the way of a photo through the running program, as its users have it: how
// long until an upload is acknowledged, how long until the webhook of the finished headshot is
// received, and the most memory that the server and its enhancer took.
//
// It builds the program, starts it on SQLite and an empty folder, hands in one portrait at a time,
// and writes bench/results/flow-YYYY-MM-DD.md. Linux only: the peaks are read from /proc.
package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"flag"
	"fmt"
	"image"
	_ "image/jpeg"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"headroom/bench/host"
	"headroom/internal/auth"
	"headroom/test/live"
	"headroom/webhooks"
)

// The goals of the first issue, for a portrait of 1024 pixels on two cores.
const (
	goalUpload  = 150 * time.Millisecond
	goalWebhook = 4 * time.Second
	goalMemory  = 900 << 20
)

func main() {
	photo := flag.String("photo", "enhance/testdata/portraits/01-street-short-curly-hair.jpg", "the portrait")
	runs := flag.Int("n", 10, "how many times it is handed in")
	flag.Parse()
	if err := run(context.Background(), *photo, *runs); err != nil {
		fmt.Fprintln(os.Stderr, "flow:", err)
		os.Exit(1)
	}
}

// result is what was measured.
type result struct {
	photo             string
	upload, webhook   []time.Duration // of each run; webhook from the begin of the upload
	parent, child     int64           // peak resident bytes
	cold              time.Duration   // of the first webhook, which is in webhook too
	load              string          // of the machine before
	revision, command string
}

func run(ctx context.Context, photo string, runs int) error {
	root, err := live.Root(ctx)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "headroom-bench-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	binary, err := live.Build(ctx, root, dir)
	if err != nil {
		return err
	}
	if !filepath.IsAbs(photo) {
		photo = filepath.Join(root, photo)
	}
	data, err := os.ReadFile(photo)
	if err != nil {
		return err
	}
	c, _, err := image.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return fmt.Errorf("%s: %w", photo, err)
	}
	r := &result{
		photo: fmt.Sprintf("%s, %d × %d, %d kB", filepath.Base(photo), c.Width, c.Height, len(data)/1000), load: host.Load(),
		command:  strings.Join(append([]string{"go run ./bench/flow"}, os.Args[1:]...), " "),
		revision: host.Revision(ctx, root),
	}
	if err := r.measure(ctx, root, binary, filepath.Join(dir, "data"), live.Photo{Name: filepath.Base(photo), Data: data}, runs); err != nil {
		return err
	}
	return r.write(root)
}

// measure runs the program and fills in the numbers.
func (r *result) measure(ctx context.Context, root, binary, data string, photo live.Photo, runs int) (err error) {
	models, err := live.Models(root)
	if err != nil {
		return err
	}
	key, err := auth.NewAPIKey(false)
	if err != nil {
		return err
	}
	server, err := live.Start(ctx, binary, map[string]string{
		"HEADROOM_ADDR": "127.0.0.1:0", "HEADROOM_DATA": data, "HEADROOM_MODELS": models, "HEADROOM_BOOTSTRAP_KEY": key,
		"HEADROOM_SECRET_KEY":             base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{7}, 32)),
		"HEADROOM_WEBHOOKS_ALLOW_PRIVATE": "true", "HEADROOM_PROFILE": "standard",
	}, "serve")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Stop()) }()
	receiver, err := live.Receive(ctx, time.Now)
	if err != nil {
		return err
	}
	defer func() { _ = receiver.Close() }()

	api := live.Client{URL: server.URL, Key: key}
	var studios struct{ Data []struct{ ID string } }
	if err := api.Call(ctx, http.MethodGet, "/api/v2/studios", nil, &studios); err != nil {
		return err
	}
	var endpoint struct{ Secret string }
	if err := api.Call(ctx, http.MethodPost, "/api/v2/webhook_endpoints", map[string]string{"url": receiver.URL}, &endpoint); err != nil {
		return err
	}
	var contact struct{ ID string }
	if err := api.Call(ctx, http.MethodPost, "/api/v2/contacts", map[string]string{"first_name": "A", "email": "a@example.com"}, &contact); err != nil {
		return err
	}
	fields := map[string]string{"studio_id": studios.Data[0].ID, "contact_id": contact.ID}
	for range runs {
		if err := r.once(ctx, api, fields, photo, receiver, endpoint.Secret); err != nil {
			return err
		}
	}
	r.cold = r.webhook[0]
	return r.peaks(ctx, server)
}

// once hands the photo in and waits for its webhook.
func (r *result) once(ctx context.Context, api live.Client, fields map[string]string, photo live.Photo, receiver *live.Receiver, secret string) error {
	began := time.Now()
	answer, err := api.Submit(ctx, fields, photo)
	if err != nil {
		return err
	}
	acknowledged := time.Since(began)
	var sub struct{ ID string }
	if err := answer.JSON(&sub); err != nil {
		return err
	}
	select {
	case d := <-receiver.Deliveries:
		d.Answer(http.StatusNoContent)
		claims, err := webhooks.Verify(d.Header, d.Body, secret)
		if err != nil {
			return err
		}
		if claims.Subject != sub.ID {
			return fmt.Errorf("the webhook is about %s, not %s", claims.Subject, sub.ID)
		}
		r.upload, r.webhook = append(r.upload, acknowledged), append(r.webhook, d.At.Sub(began))
		fmt.Printf("%s  acknowledged %4d ms  webhook %5d ms\n", sub.ID, acknowledged.Milliseconds(), d.At.Sub(began).Milliseconds())
		return nil
	case <-time.After(time.Minute):
		return fmt.Errorf("no webhook for %s within a minute", sub.ID)
	}
}

// peaks reads the most memory that the server and its enhancers have had.
func (r *result) peaks(ctx context.Context, server *live.Server) (err error) {
	if r.parent, err = host.Peak(server.PID); err != nil {
		return err
	}
	children, err := server.Enhancers(ctx)
	if err != nil {
		return err
	}
	for _, pid := range children {
		memory, err := host.Peak(pid)
		if err != nil {
			return err
		}
		r.child += memory
	}
	return nil
}

func (r *result) write(root string) error {
	var b strings.Builder
	date := time.Now().Format(time.DateOnly)
	fmt.Fprintf(&b, "# Flow, %s\n\nA portrait through the running program on SQLite: upload over REST, enhancement, signed webhook.\n\n", date)
	fmt.Fprintf(&b, "- command: `%s`, revision %s\n- machine: %s; load before: %s\n- photo: %s; %d times, one at a time; profile standard\n\n",
		r.command, r.revision, host.Machine(), r.load, r.photo, len(r.upload))
	fmt.Fprint(&b, "| | p50 | worst | goal | |\n| --- | --- | --- | --- | --- |\n")
	row := func(what, p50, worst, goal string, met bool) {
		verdict := "met"
		if !met {
			verdict = "**missed**"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", what, p50, worst, goal, verdict)
	}
	ms := func(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) + " ms" }
	mb := func(bytes int64) string { return strconv.FormatInt(bytes>>20, 10) + " MiB" }
	row("upload acknowledged", ms(host.Median(r.upload)), ms(slices.Max(r.upload)), "≤ "+ms(goalUpload), host.Median(r.upload) <= goalUpload)
	row("webhook received after the upload began", ms(host.Median(r.webhook)), ms(slices.Max(r.webhook)), "≤ "+ms(goalWebhook), slices.Max(r.webhook) <= goalWebhook)
	row(fmt.Sprintf("peak memory: server %s + enhancer %s", mb(r.parent), mb(r.child)), "", mb(r.parent+r.child), "≤ "+mb(goalMemory), r.parent+r.child <= goalMemory)
	fmt.Fprintf(&b, "\nThe first webhook, right after the start, took %s.\n", ms(r.cold))
	path := filepath.Join(root, "bench/results", "flow-"+date+".md")
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { //nolint:gosec // results are for everybody
		return err
	}
	if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil { //nolint:gosec // results are for everybody
		return err
	}
	fmt.Printf("\n%s\nwritten to %s\n", b.String(), path)
	return nil
}
