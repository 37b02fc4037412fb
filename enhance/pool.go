package enhance

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// Errors of a Pool that say nothing about the photo: another try may succeed.
var (
	// ErrCrashed: the worker process died on the photo.
	ErrCrashed = errors.New("the enhancer's process crashed")
	// ErrTimeout: the photo took longer than PoolConfig.Timeout; its worker was ended.
	ErrTimeout = errors.New("the enhancer's time-out was reached")
	// ErrClosed: Run has ended.
	ErrClosed = errors.New("the enhancer is shut down")
)

// PoolConfig says how to run workers.
type PoolConfig struct {
	// Command starts a worker, program first: something that calls Worker on its standard input and output.
	Command []string
	// Env is the worker's environment besides what Pool sets itself. Nothing is inherited: a process
	// that decodes strangers' files has no business with the server's secrets.
	Env []string
	// Engine is what the workers load.
	Engine Config
	// Size is how many workers there are. Default 1; each uses Engine.Threads processors.
	Size int
	// Timeout is the longest a photo may take, and a worker's start. Default 60 s.
	Timeout time.Duration
	// Idle is how long a worker without work is kept warm; then it ends to give its memory back, and
	// the next photo waits for a new one (about half a second). Default 10 minutes; negative: for ever.
	Idle time.Duration
	// Logger hears of workers that start, end and crash, and what they write to standard error. Default: discard.
	Logger *slog.Logger
}

// Pool runs photos in child processes. A photo that crashes a native library, or takes too long,
// costs its worker, which is replaced; other photos do not notice.
type Pool struct {
	cfg  PoolConfig
	work chan task
	over chan struct{} // closed when Run has ended

	mu      sync.Mutex
	started bool
}

// task is a photo waiting for a worker.
type task struct {
	ctx      context.Context //nolint:containedctx // the task is the call, handed to another goroutine
	kind     string
	photo    []byte
	opts     Options
	progress Progress
	answer   chan answer // holds one, so that nobody waits to give it
}

type answer struct {
	h      header
	bodies [][]byte
	err    error
}

// NewPool checks the configuration; Run starts the workers.
func NewPool(cfg PoolConfig) (*Pool, error) {
	if len(cfg.Command) == 0 {
		return nil, errors.New("enhance pool: no command for the workers")
	}
	cfg.Size = cmp.Or(cfg.Size, 1)
	cfg.Timeout = cmp.Or(cfg.Timeout, 60*time.Second)
	cfg.Idle = cmp.Or(cfg.Idle, 10*time.Minute)
	if cfg.Size < 0 || cfg.Timeout < 0 {
		return nil, fmt.Errorf("enhance pool: size %d, time-out %s", cfg.Size, cfg.Timeout)
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	return &Pool{cfg: cfg, work: make(chan task), over: make(chan struct{})}, nil
}

// Run keeps the workers until ctx ends; it returns when all have ended. Photos still in work then
// end with ErrClosed. It may be called once.
func (p *Pool) Run(ctx context.Context) error {
	p.mu.Lock()
	again := p.started
	p.started = true
	p.mu.Unlock()
	if again {
		return errors.New("enhance pool: Run was called before")
	}
	defer close(p.over)
	var wg sync.WaitGroup
	for i := range p.cfg.Size {
		wg.Go(func() { p.keep(ctx, i) })
	}
	wg.Wait()
	return nil
}

// Enhance runs a photo through a worker, waiting for a free one. progress may be nil; it is called
// from another goroutine, one call at a time, and not after Enhance returns.
//
// Errors: *Failure when the photo is at fault; ErrCrashed, ErrTimeout and ErrClosed, which are
// worth another try; ctx's error, which also ends the work on the photo.
func (p *Pool) Enhance(ctx context.Context, photo []byte, opts Options, progress Progress) (*Result, error) {
	a, err := p.do(ctx, task{kind: frameEnhance, photo: photo, opts: opts, progress: progress})
	if err != nil {
		return nil, err
	}
	r := a.h.Result
	if r == nil || len(r.Images) != len(a.bodies) {
		return nil, fmt.Errorf("%w: its answer has %d pictures", ErrCrashed, len(a.bodies))
	}
	for i := range r.Images {
		r.Images[i].Data = a.bodies[i]
	}
	return r, nil
}

// Alpha is Engine.Alpha in a worker. Errors as in Enhance.
func (p *Pool) Alpha(ctx context.Context, photo []byte, opts Options, progress Progress) ([]byte, error) {
	a, err := p.do(ctx, task{kind: frameAlpha, photo: photo, opts: opts, progress: progress})
	if err != nil {
		return nil, err
	}
	if len(a.bodies) != 1 {
		return nil, fmt.Errorf("%w: its answer has %d pictures", ErrCrashed, len(a.bodies))
	}
	return a.bodies[0], nil
}

// do hands a task over and waits for its answer.
func (p *Pool) do(ctx context.Context, t task) (answer, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	t.ctx, t.answer = ctx, make(chan answer, 1)
	select {
	case p.work <- t:
	case <-ctx.Done():
		return answer{}, ctx.Err()
	case <-p.over:
		return answer{}, ErrClosed
	}
	a := <-t.answer // the keeper minds ctx and time-out, and always answers
	switch {
	case a.err != nil:
		return answer{}, a.err
	case a.h.Type == frameFailure && a.h.Failure != nil:
		return answer{}, a.h.Failure
	case a.h.Type == frameError:
		return answer{}, fmt.Errorf("enhance: %s", a.h.Error)
	}
	return a, nil
}

// keep runs one worker after another. A worker is started at once, so that the first photo finds it
// warm, and again after a crash; a start that fails waits for the next photo, which is told why.
func (p *Pool) keep(ctx context.Context, n int) {
	log := p.cfg.Logger.With("worker", n)
	c := p.restart(ctx, log)
	defer func() { c.end() }()
	for {
		var idle <-chan time.Time
		var dead <-chan struct{}
		if c != nil {
			dead = c.dead
			if p.cfg.Idle > 0 {
				idle = time.After(p.cfg.Idle)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-idle:
			log.DebugContext(ctx, "enhance worker idle, ended")
			c.end()
			c = nil
		case <-dead:
			log.WarnContext(ctx, "enhance worker died while idle", "status", c.status())
			c.end()
			c = nil
		case t := <-p.work:
			c = p.serve(ctx, log, c, t)
		}
	}
}

// restart is start that logs its error and returns nil then.
func (p *Pool) restart(ctx context.Context, log *slog.Logger) *child {
	c, err := p.start(ctx, log)
	if err != nil && ctx.Err() == nil {
		log.ErrorContext(ctx, "enhance worker did not start", "error", err)
	}
	return c
}

// serve answers a task with worker c, or a new one when c is nil, and returns the worker for the next.
func (p *Pool) serve(ctx context.Context, log *slog.Logger, c *child, t task) *child {
	if c == nil {
		var err error
		if c, err = p.start(ctx, log); err != nil {
			t.answer <- answer{err: fmt.Errorf("start an enhance worker: %w", err)}
			return nil
		}
	}
	a, usable := p.run(ctx, c, t)
	t.answer <- a
	if usable {
		return c
	}
	log.WarnContext(ctx, "enhance worker ended", "status", c.status(), "error", a.err)
	return p.restart(ctx, log)
}

// run gives a photo to a worker. usable is false when the worker is dead or was ended.
func (p *Pool) run(ctx context.Context, c *child, t task) (_ answer, usable bool) {
	got := make(chan answer, 1)
	go func() { got <- c.ask(t) }()
	timer := time.NewTimer(p.cfg.Timeout)
	defer timer.Stop()
	var reason error
	select {
	case a := <-got:
		if a.err == nil {
			return a, true
		}
		c.end()
		return answer{err: fmt.Errorf("%w: %s: %w", ErrCrashed, c.status(), a.err)}, false
	case <-t.ctx.Done():
		reason = t.ctx.Err()
	case <-ctx.Done():
		reason = ErrClosed
	case <-timer.C:
		reason = fmt.Errorf("%w after %s", ErrTimeout, p.cfg.Timeout)
	}
	c.end()
	<-got
	return answer{err: reason}, false
}
