package postgres_test

import (
	"database/sql"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"

	"headroom/internal/database/dbtest/postgres"
)

func open(t *testing.T, address string) *sql.DB {
	t.Helper()
	db, err := sql.Open("postgres", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// The server must not outlive the process that started it, however that process ends. This test
// runs itself in a child that starts a server and is killed.
func TestTheServerEndsWithItsProcess(t *testing.T) {
	t.Parallel()
	if os.Getenv("DBTEST_CHILD") != "" {
		s, err := postgres.Start(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stdout.WriteString(s.URL() + "\n"); err != nil {
			t.Fatal(err)
		}
		select {} // until killed
	}

	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	child := exec.CommandContext(t.Context(), self, "-test.run=^TestTheServerEndsWithItsProcess$", "-test.timeout=60s")
	child.Env = append(os.Environ(), "DBTEST_CHILD=1")
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	text := make([]byte, 4096)
	n, err := out.Read(text)
	if err != nil {
		t.Fatal(err)
	}
	address, _, _ := strings.Cut(string(text[:n]), "\n")
	parsed, err := url.Parse(address)
	if err != nil || parsed.Host == "" {
		t.Fatalf("the child says %q (%v)", text[:n], err)
	}
	// A connection held open ends at the moment the server does.
	db := open(t, address)
	if _, err := db.ExecContext(t.Context(), `SELECT 1`); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() {
		_, err := db.ExecContext(t.Context(), `SELECT pg_sleep(60)`)
		ended <- err
	}()
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := child.Wait(); err == nil {
		t.Error("the child was not killed")
	}
	if err := <-ended; err == nil {
		t.Error("60 s after its process was killed, the server still answers")
	}
}

func TestStopEndsTheServerAndLeavesNothing(t *testing.T) {
	// Not parallel: TMPDIR is the process's.
	folder, err := os.MkdirTemp("/tmp", "dbtest-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	if err := os.Chmod(folder, 0o777|os.ModeSticky); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TMPDIR", folder)

	s, err := postgres.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := open(t, s.URL()).PingContext(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := s.Stop(); err != nil {
			t.Fatal(err)
		}
	}
	if err := open(t, s.URL()).PingContext(t.Context()); err == nil {
		t.Error("the server still answers")
	}
	left, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	if len(left) != 0 {
		t.Errorf("%s is left in the temporary folder", left[0].Name())
	}
}
