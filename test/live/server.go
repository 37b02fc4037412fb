// Package live runs the program as its users do, for tests of the whole and for measurements: the
// real binary in a process of its own, with real files, sockets and databases, and clients that know
// of it what callers know.
package live

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
)

// Root is the folder of the module, for a process that runs anywhere below it.
func Root(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		return "", fmt.Errorf("find the module: %w", err)
	}
	return strings.TrimSpace(string(out)), nil
}

// Build builds the program of the module at root and gives its path: bin/headroom in dir.
func Build(ctx context.Context, root, dir string) (string, error) {
	binary := filepath.Join(dir, "bin", "headroom")
	cmd := exec.CommandContext(ctx, "go", "build", "-o", binary, ".")
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the program: %w\n%s", err, out)
	}
	return binary, nil
}

// Models is the folder of the models in the module at root. It is an error when `make build` has not
// filled it.
func Models(root string) (string, error) {
	dir := filepath.Join(root, "models")
	if _, err := os.Stat(filepath.Join(dir, "manifest.json")); err != nil {
		return "", fmt.Errorf("there are no models in %s; run make build: %w", dir, err)
	}
	return dir, nil
}

// Environ is the environment of a program under test: settings over nothing but what finding other
// programs takes, so that what the developer has set does not matter.
func Environ(settings map[string]string) []string {
	env := map[string]string{"PATH": os.Getenv("PATH"), "HOME": os.Getenv("HOME"), "TMPDIR": os.TempDir(), "LANG": "C.UTF-8"} //nolint:forbidigo // handed on, not read
	maps.Copy(env, settings)
	out := make([]string, 0, len(env))
	for _, name := range slices.Sorted(maps.Keys(env)) {
		out = append(out, name+"="+env[name])
	}
	return out
}

// Server is the program running as a server.
type Server struct {
	URL string // http://127.0.0.1:PORT
	PID int

	cmd  *exec.Cmd
	log  *transcript
	done chan struct{} // closed when the process has ended
	err  error         // of the process; read it after done
}

const listening = "listening on "

// Start runs binary with args (such as serve) and settings as its whole configuration, and waits until it
// takes requests. The end of ctx kills it.
func Start(ctx context.Context, binary string, settings map[string]string, args ...string) (*Server, error) {
	cmd := exec.CommandContext(ctx, binary, args...)
	cmd.Env = Environ(settings)
	s := &Server{cmd: cmd, log: &transcript{}, done: make(chan struct{})}
	cmd.Stderr = s.log
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", binary, err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", binary, err)
	}
	s.PID = cmd.Process.Pid
	address := make(chan string, 1)
	go func() {
		defer close(s.done)
		s.read(stdout, address)
		s.err = cmd.Wait()
	}()
	select {
	case s.URL = <-address:
		return s, nil
	case <-s.done:
		return nil, fmt.Errorf("%s %s ended before it listened: %w\n%s", binary, strings.Join(args, " "), s.err, s.Log())
	}
}

// read keeps standard output in the log, to its end, and hands over the address in it.
func (s *Server) read(stdout io.Reader, address chan<- string) {
	lines := bufio.NewScanner(stdout)
	for lines.Scan() {
		_, _ = s.log.Write(append(lines.Bytes(), '\n'))
		if at, ok := strings.CutPrefix(lines.Text(), listening); ok {
			address <- at
		}
	}
}

// Log is what the server has printed so far, on standard output and standard error.
func (s *Server) Log() string { return s.log.String() }

// Running says whether the process has not ended.
func (s *Server) Running() bool {
	select {
	case <-s.done:
		return false
	default:
		return true
	}
}

// Kill ends the server's process, and no other, as kill -9 does. It returns when it is gone.
func (s *Server) Kill() error {
	if err := s.signal(syscall.SIGKILL); err != nil {
		return err
	}
	<-s.done
	return nil
}

// Terminate asks the server to end, as a service manager does, and does not wait.
func (s *Server) Terminate() error { return s.signal(syscall.SIGTERM) }

// Wait waits until the server has ended. The error is nil when its status was 0.
func (s *Server) Wait() error {
	<-s.done
	return s.err
}

// Stop asks the server to end and waits. The error is nil when it drained and ended with status 0,
// also when it had ended so before.
func (s *Server) Stop() error {
	if err := s.Terminate(); err != nil {
		return err
	}
	return s.Wait()
}

func (s *Server) signal(signal os.Signal) error {
	if err := s.cmd.Process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("signal the server: %w", err)
	}
	return nil
}

// Enhancers gives the ids of the server's enhancer processes.
func (s *Server) Enhancers(ctx context.Context) ([]int, error) {
	out, err := exec.CommandContext(ctx, "ps", "-A", "-o", "pid=,ppid=,args=").Output()
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	var pids []int
	for line := range strings.Lines(string(out)) {
		f := strings.Fields(line)
		if len(f) < 4 || f[1] != strconv.Itoa(s.PID) || f[len(f)-1] != "enhance-worker" {
			continue
		}
		pid, err := strconv.Atoi(f[0])
		if err != nil {
			return nil, fmt.Errorf("list processes: %w", err)
		}
		pids = append(pids, pid)
	}
	return pids, nil
}

// Alive says whether a process with this id exists.
func Alive(pid int) bool { return syscall.Kill(pid, 0) == nil }

// transcript is a buffer that one goroutine may read while others write.
type transcript struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (t *transcript) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.Write(p)
}

func (t *transcript) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.String()
}
