package main_test

import (
	"database/sql"
	"errors"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	_ "github.com/lib/pq" // the driver "postgres"
)

// gotest runs the command in a new module that holds the given test files, and returns its
// output and exit status.
func gotest(t *testing.T, files map[string]string, args ...string) (string, int) {
	t.Helper()
	dir := t.TempDir()
	files = maps.Clone(files)
	files["go.mod"] = "module fixture\n\ngo 1.26\n"
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	binary := filepath.Join(dir, "gotest")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	cmd := exec.CommandContext(t.Context(), binary, append(args, "./...")...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

func TestReport(t *testing.T) {
	t.Parallel()
	const (
		passes = "package a\n\nimport \"testing\"\n\nfunc TestA(t *testing.T) { t.Run(\"x\", func(t *testing.T) { t.Log(\"quiet\") }) }\n"
		fails  = "package b\n\nimport \"testing\"\n\nfunc TestB(t *testing.T) { t.Error(\"said why\") }\nfunc TestOther(t *testing.T) { t.Skip(\"not here\") }\n"
		broken = "package c\n\nimport \"testing\"\n\nfunc TestC(t *testing.T) { undefinedName() }\n"
		panics = "package d\n\nimport \"testing\"\n\nfunc TestFine(t *testing.T) {}\nfunc TestD(t *testing.T) { panic(\"at the disco\") }\n"
		exits  = "package e\n\nimport (\n\t\"os\"\n\t\"testing\"\n)\n\nfunc TestMain(m *testing.M) { m.Run(); os.Exit(3) }\nfunc TestE(t *testing.T) {}\n"
		empty  = "package f\n"
	)
	for name, c := range map[string]struct {
		files   map[string]string
		closing string
		status  int
		says    string
		silent  string
	}{
		"all pass":          {map[string]string{"a/a_test.go": passes, "f/f.go": empty}, "2 passed, 0 failed, 0 skipped", 0, "ok    fixture/a", "quiet"},
		"one fails":         {map[string]string{"a/a_test.go": passes, "b/b_test.go": fails}, "2 passed, 1 failed, 1 skipped", 1, "said why", "quiet"},
		"skips say why":     {map[string]string{"b/b_test.go": fails}, "0 passed, 1 failed, 1 skipped", 1, "not here", ""},
		"does not compile":  {map[string]string{"a/a_test.go": passes, "c/c_test.go": broken}, "2 passed, 1 failed, 0 skipped", 1, "undefinedName", ""},
		"panics":            {map[string]string{"d/d_test.go": panics}, "1 passed, 1 failed, 0 skipped", 1, "at the disco", ""},
		"fails on its exit": {map[string]string{"e/e_test.go": exits}, "1 passed, 1 failed, 0 skipped", 1, "FAIL  fixture/e", ""},
		"nothing to run":    {map[string]string{"f/f.go": empty}, "0 passed, 0 failed, 0 skipped", 1, "no test ran", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, status := gotest(t, c.files)
			if status != c.status {
				t.Errorf("exit status %d, want %d", status, c.status)
			}
			if !regexp.MustCompile(`(?m)^` + c.closing + `$`).MatchString(out) {
				t.Errorf("no closing line %q", c.closing)
			}
			if !strings.Contains(out, c.says) {
				t.Errorf("does not say %q", c.says)
			}
			if c.silent != "" && strings.Contains(out, c.silent) {
				t.Errorf("says %q", c.silent)
			}
			if t.Failed() {
				t.Log(out)
			}
		})
	}
}

func TestPostgresIsSharedAndStopped(t *testing.T) {
	t.Parallel()
	out, status := gotest(t, map[string]string{"a/a_test.go": `package a

import (
	"os"
	"testing"
)

func TestA(t *testing.T) { t.Fatal(os.Getenv("HEADROOM_TEST_POSTGRES")) }
`}, "-postgres")
	address := regexp.MustCompile(`postgres://\S+`).FindString(out)
	if status != 1 || address == "" {
		t.Fatalf("exit status %d, and the test was not given a server: %s", status, out)
	}
	db, err := sql.Open("postgres", address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if err := db.PingContext(t.Context()); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("the server answers %v, want a refused connection", err)
	}
}
