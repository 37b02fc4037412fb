package enhance

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"time"
)

// workerEnv is what a worker's environment must hold: decoders that libvips itself does not trust
// stay off; memory of many threads is kept in two heaps, not sixteen; warnings about odd EXIF do
// not fill the log.
func workerEnv() []string {
	return []string{"VIPS_BLOCK_UNTRUSTED=1", "MALLOC_ARENA_MAX=2", "VIPS_WARNING=0"}
}

// child is a worker process seen from its parent.
type child struct {
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	out    io.Closer
	stdout *bufio.Reader // of out
	dead   chan struct{} // closed once the process is gone and reaped
	err    error         // of Wait; read it after dead
	once   sync.Once     // of end
}

// start runs a worker and waits until its models are loaded.
func (p *Pool) start(ctx context.Context, log *slog.Logger) (*child, error) {
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	begin := time.Now()
	c, err := p.spawn(log)
	if err != nil {
		return nil, err
	}
	ready := make(chan error, 1)
	go func() { ready <- c.greet(p.cfg.Engine) }()
	timer := time.NewTimer(p.cfg.Timeout)
	defer timer.Stop()
	select {
	case err = <-ready:
	case <-ctx.Done():
		err = ctx.Err()
	case <-timer.C:
		err = fmt.Errorf("%w while it loaded the models", ErrTimeout)
	}
	if err != nil {
		c.end()
		return nil, err
	}
	log.DebugContext(ctx, "enhance worker ready", "pid", c.cmd.Process.Pid, "duration", time.Since(begin))
	return c, nil
}

// spawn starts the process. One goroutine keeps the operating system's thread that started it for
// as long as it lives, because on Linux the child is told of its parent's death by the death of
// that thread.
func (p *Pool) spawn(log *slog.Logger) (*child, error) {
	cmd := exec.Command(p.cfg.Command[0], p.cfg.Command[1:]...) //nolint:gosec,noctx // the server's own binary; ended by end
	cmd.Env = append(append([]string{}, p.cfg.Env...), workerEnv()...)
	dieWithParent(cmd)
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("worker's input: %w", err)
	}
	// our own pipes: cmd.Wait must not close them under a reader
	out, outW, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("worker's output: %w", err)
	}
	log2, logW, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("worker's log: %w", err)
	}
	cmd.Stdout, cmd.Stderr = outW, logW
	c := &child{cmd: cmd, stdin: in, out: out, stdout: bufio.NewReader(out), dead: make(chan struct{})}
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		_, _ = outW.Close(), logW.Close()
		started <- err
		if err != nil {
			_, _ = out.Close(), log2.Close()
			return
		}
		c.err = cmd.Wait()
		close(c.dead)
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", p.cfg.Command[0], err)
	}
	go drain(log2, log)
	return c, nil
}

// maxSaid is how many lines of a worker are logged: a crash prints the stacks of all its goroutines,
// of which the beginning tells what is to be known.
const maxSaid = 20

// drain logs what a worker writes to standard error, up to a line's sensible length.
func drain(r io.ReadCloser, log *slog.Logger) {
	defer func() { _ = r.Close() }()
	lines := bufio.NewReaderSize(r, 4096)
	for said := 0; ; {
		line, _, err := lines.ReadLine()
		if len(line) > 0 && said < maxSaid {
			said++
			log.Warn("enhance worker says", "line", string(line))
		}
		if err != nil {
			return
		}
	}
}

// greet sends the configuration and waits for the models.
func (c *child) greet(cfg Config) error {
	if err := writeFrame(c.stdin, header{Type: frameHello, Config: &cfg}); err != nil {
		return err
	}
	h, _, err := readFrame(c.stdout)
	switch {
	case err != nil:
		c.end()
		return fmt.Errorf("%w at its start: %s: %w", ErrCrashed, c.status(), err)
	case h.Type == frameError:
		return errors.New(h.Error)
	case h.Type != frameReady:
		return fmt.Errorf("worker said %q, expected %q", h.Type, frameReady)
	}
	return nil
}

// ask sends a photo and reads to the answer.
func (c *child) ask(t task) answer {
	if err := writeFrame(c.stdin, header{Type: t.kind, Options: &t.opts}, t.photo); err != nil {
		return answer{err: err}
	}
	for {
		h, bodies, err := readFrame(c.stdout)
		if err != nil {
			return answer{err: err}
		}
		if h.Type != frameProgress {
			return answer{h: h, bodies: bodies}
		}
		if t.progress != nil && t.ctx.Err() == nil {
			t.progress(h.Step, h.Fraction)
		}
	}
}

// end kills the process and waits until it is gone. On nil and on a dead child it does nothing.
func (c *child) end() {
	if c == nil {
		return
	}
	c.once.Do(func() {
		_ = c.cmd.Process.Kill()
		_ = c.stdin.Close()
		<-c.dead
		_ = c.out.Close()
	})
}

// status says how a dead process ended.
func (c *child) status() string {
	if c.cmd.ProcessState == nil {
		return "running"
	}
	return c.cmd.ProcessState.String()
}
