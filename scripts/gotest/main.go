// Command gotest runs `go test` with the arguments it is given, shows what failed and little
// else, and closes with one line that people and machines can read:
//
//	812 passed, 0 failed, 3 skipped
//
// With -postgres as its first argument it also starts one PostgreSQL for all packages, instead of
// one in each, and stops it at the end. Tests and subtests are counted one by one; a package that
// fails outside of a test (it does not compile, it panics, it times out) counts as one failure.
// The exit status is that of go test, and 1 when no test ran at all.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"syscall"

	"headroom/internal/database/dbtest/postgres"
)

func main() {
	status, err := run(context.Background(), os.Args[1:], os.Stdout)
	if err != nil {
		fmt.Fprintln(os.Stderr, "gotest:", err)
		status = max(status, 1)
	}
	os.Exit(status)
}

func run(ctx context.Context, args []string, out io.Writer) (status int, err error) {
	cmd := exec.CommandContext(ctx, "go")
	cmd.Env = os.Environ()
	if len(args) > 0 && args[0] == "-postgres" {
		args = args[1:]
		server, err := postgres.Start(ctx)
		if err != nil {
			return 1, err
		}
		defer func() { err = errors.Join(err, server.Stop()) }()
		cmd.Env = append(cmd.Env, postgres.Variable+"="+server.URL())
	}
	cmd.Args = slices.Concat([]string{"go", "test", "-json"}, args)
	cmd.Stderr = os.Stderr
	events, err := cmd.StdoutPipe()
	if err != nil {
		return 1, fmt.Errorf("read go test: %w", err)
	}

	// Ctrl-C reaches go test by itself, being in the same group; here it must not cut off the report.
	interrupts := make(chan os.Signal, 1)
	signal.Notify(interrupts, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(interrupts)

	if err := cmd.Start(); err != nil {
		return 1, fmt.Errorf("start go test: %w", err)
	}
	r := report{out: out, output: map[test][]string{}, failures: map[string]int{}}
	readErr := r.read(events)
	waitErr := cmd.Wait()
	r.close()

	var exit *exec.ExitError
	switch {
	case errors.As(waitErr, &exit):
		return max(exit.ExitCode(), 1), readErr // -1 when a signal ended it
	case waitErr != nil:
		return 1, fmt.Errorf("run go test: %w", waitErr)
	case r.failed > 0:
		return 1, readErr
	case r.passed == 0:
		return 1, errors.New("no test ran")
	}
	return 0, readErr
}

// event is a line of `go test -json`; see `go doc test2json`.
type event struct {
	Action, Package, Test, Output string
	ImportPath                    string // instead of Package, of what the compiler says
	Elapsed                       float64
	FailedBuild                   string
}

// test names a test of a package, or with an empty name the package itself.
type test struct{ pkg, name string }

type report struct {
	out                     io.Writer
	output                  map[test][]string // of what has not ended yet
	failures                map[string]int    // failed tests by package
	passed, failed, skipped int
}

// read follows the events to their end and prints as it goes.
func (r *report) read(events io.Reader) error {
	lines := bufio.NewReader(events)
	for {
		line, err := lines.ReadBytes('\n')
		if len(line) > 0 {
			r.line(line)
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read go test: %w", err)
		}
	}
}

func (r *report) line(line []byte) {
	var e event
	if json.Unmarshal(line, &e) != nil || e.Action == "" {
		r.print("%s", line) // go prints some errors as plain text
		return
	}
	switch key := (test{e.Package, e.Test}); e.Action {
	case "build-output":
		r.print("%s", e.Output)
	case "output":
		r.output[key] = append(r.output[key], e.Output)
	case "pass", "fail", "skip":
		r.end(key, e)
		delete(r.output, key)
	}
}

func (r *report) end(key test, e event) {
	if key.name == "" {
		r.endPackage(key, e)
		return
	}
	switch e.Action {
	case "pass":
		r.passed++
	case "skip":
		r.skipped++
		r.print("--- skipped: %s %s\n", key.pkg, key.name)
		r.dump(key)
	case "fail":
		r.failed++
		r.failures[key.pkg]++
		r.print("--- FAILED: %s %s\n", key.pkg, key.name)
		r.dump(key)
	}
}

func (r *report) endPackage(key test, e event) {
	switch e.Action {
	case "pass":
		r.print("ok    %s  %.1fs\n", key.pkg, e.Elapsed)
	case "fail":
		if r.failures[key.pkg] == 0 {
			r.failed++
			if e.FailedBuild == "" { // what the compiler said has been printed
				r.dump(key)
			}
		}
		r.print("FAIL  %s  %.1fs\n", key.pkg, e.Elapsed)
	}
}

func (r *report) dump(key test) {
	for _, line := range r.output[key] {
		r.print("    %s", line)
	}
}

// close prints what was still running when go test ended, as after a crash, and the closing line.
func (r *report) close() {
	for key := range r.output {
		if key.name == "" {
			continue
		}
		r.failed++
		r.print("--- FAILED: %s %s did not end\n", key.pkg, key.name)
		r.dump(key)
	}
	r.print("\n%d passed, %d failed, %d skipped\n", r.passed, r.failed, r.skipped)
}

func (r *report) print(format string, args ...any) {
	// When standard output is gone there is nowhere left to complain; the exit status still tells.
	_, _ = fmt.Fprintf(r.out, format, args...)
}
