package main_test

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"headroom/webhooks"
)

const secret = "whsec_YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWE="

func build(t *testing.T) string {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "receiver")
	if output, err := exec.CommandContext(t.Context(), "go", "build", "-o", bin, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	return bin
}

// start runs the program and gives its address, its lines, and a way to end it.
func start(t *testing.T, bin string, args ...string) (url string, lines *bufio.Scanner, stop func() error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), bin, append([]string{"--addr", "127.0.0.1:0"}, args...)...)
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(stderr).ReadString('\n')
	url, ok := strings.CutPrefix(strings.TrimSpace(line), "listening on ")
	if err != nil || !ok {
		t.Fatalf("%q, %v", line, err)
	}
	return url, bufio.NewScanner(stdout), func() error {
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			return err
		}
		_, _ = io.Copy(io.Discard, stdout)
		return cmd.Wait()
	}
}

func send(t *testing.T, url, id, key string, attempt int) webhooks.Attempt {
	t.Helper()
	sender := webhooks.NewSender(webhooks.Config{AllowPrivate: true})
	defer sender.CloseIdle()
	return sender.Send(t.Context(), webhooks.Request{
		URL: url,
		Message: webhooks.Message{
			ID: id, Topic: "SUBMISSION_COMPLETE", Subject: "sub_1", Endpoint: "whe_1", Issuer: "https://headroom.example",
			Attempt: attempt, Body: []byte(`{"submission_id": "sub_1"}`),
		},
		Secrets: []webhooks.Secret{{ID: "whs_1", Value: key}},
	})
}

func TestReceiver(t *testing.T) {
	t.Parallel()
	bin := build(t)
	other := strings.Replace(secret, "YWFh", "YmJi", 1)
	url, lines, stop := start(t, bin, "--secret", secret)
	for _, c := range []struct {
		id, key string
		attempt int
		status  int
		line    string
	}{
		{"evt_1", secret, 1, 204, "accepted SUBMISSION_COMPLETE evt_1 subject=sub_1 attempt=1"},
		{"evt_1", secret, 2, 204, "duplicate SUBMISSION_COMPLETE evt_1 subject=sub_1 attempt=2"},
		{"evt_2", other, 1, 401, "rejected "},
		{"evt_2", secret, 2, 204, "accepted SUBMISSION_COMPLETE evt_2 subject=sub_1 attempt=2"},
	} {
		if a := send(t, url, c.id, c.key, c.attempt); a.Status != c.status {
			t.Errorf("%s, attempt %d: %d, %v", c.id, c.attempt, a.Status, a.Err)
		}
		if !lines.Scan() || !strings.HasPrefix(lines.Text(), c.line) {
			t.Errorf("printed %q, want %q", lines.Text(), c.line)
		}
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := new(http.Transport).RoundTrip(request)
	if err != nil || response.StatusCode != 405 {
		t.Errorf("GET: %v, %v", response, err)
	}
	_ = response.Body.Close()
	if err := stop(); err != nil {
		t.Errorf("did not end cleanly: %v", err)
	}
}

func TestReceiverPrintsJSONAndReadsItsSecretFromAFile(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte(secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	url, lines, stop := start(t, build(t), "--secret-file", file, "--print-json")
	if a := send(t, url, "evt_1", secret, 1); a.Status != 204 {
		t.Errorf("%d, %v", a.Status, a.Err)
	}
	var got struct {
		Result string `json:"result"`
		ID     string `json:"event_id"`
		Body   struct {
			SubmissionID string `json:"submission_id"`
		} `json:"body"`
	}
	if !lines.Scan() {
		t.Fatal("nothing printed")
	}
	if err := json.Unmarshal(lines.Bytes(), &got); err != nil || got.Result != "accepted" || got.ID != "evt_1" || got.Body.SubmissionID != "sub_1" {
		t.Errorf("%s: %v", lines.Text(), err)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

func TestReceiverNeedsASecret(t *testing.T) {
	t.Parallel()
	output, err := exec.CommandContext(t.Context(), build(t)).CombinedOutput()
	if err == nil || !strings.Contains(string(output), "--secret") {
		t.Errorf("%v: %s", err, output)
	}
}
