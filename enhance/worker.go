package enhance

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
)

// Worker is the child's side of a Pool: the hidden subcommand runs it on its standard input and
// output, where nothing else may write. It loads the models once, then takes photo after photo
// until stdin ends: that is how it ends with its parent, however the parent ended, even in the
// middle of a photo.
//
// The environment must be set before the process starts, since libvips starts before main; Pool
// sees to it.
func Worker(ctx context.Context, stdin io.Reader, stdout io.Writer) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	in := make(chan incoming)
	go receive(ctx, stdin, in, cancel)
	hello, ok := <-in
	if !ok {
		return nil
	}
	if hello.err != nil || hello.h.Type != frameHello || hello.h.Config == nil {
		return fmt.Errorf("worker: expected a hello, got %q: %w", hello.h.Type, hello.err)
	}
	// planes come and go by the dozen of megabytes: collect early rather than hold twice the need
	debug.SetGCPercent(40)
	e, err := Open(*hello.h.Config)
	if err != nil {
		return errors.Join(writeFrame(stdout, header{Type: frameError, Error: err.Error()}), err)
	}
	defer func() { _ = e.Close() }()
	if err := writeFrame(stdout, header{Type: frameReady}); err != nil {
		return err
	}
	for m := range in {
		if m.err != nil {
			return fmt.Errorf("worker: %w", m.err)
		}
		if err := e.serve(ctx, m, stdout); err != nil {
			return fmt.Errorf("worker: %w", err)
		}
		debug.FreeOSMemory() // an idle worker should be small
	}
	return nil
}

// receive hands on frames until stdin ends, and then ends the work: nobody waits for it any more.
func receive(ctx context.Context, stdin io.Reader, in chan<- incoming, cancel func()) {
	defer close(in)
	defer cancel()
	for {
		h, bodies, err := readFrame(stdin)
		if errors.Is(err, io.EOF) || !sendIncoming(ctx, in, incoming{h, bodies, err}) || err != nil {
			return
		}
	}
}

type incoming struct {
	h      header
	bodies [][]byte
	err    error
}

func sendIncoming(ctx context.Context, in chan<- incoming, m incoming) bool {
	select {
	case in <- m:
		return true
	case <-ctx.Done():
		return false
	}
}

// serve answers one request. An error means that the parent cannot be talked to.
func (e *Engine) serve(ctx context.Context, m incoming, stdout io.Writer) error {
	if len(m.bodies) != 1 || m.h.Options == nil {
		return fmt.Errorf("frame %q with %d bodies", m.h.Type, len(m.bodies))
	}
	var broken error
	progress := func(step string, fraction float64) {
		if broken == nil {
			broken = writeFrame(stdout, header{Type: frameProgress, Step: step, Fraction: fraction})
		}
	}
	answer := header{Type: frameResult}
	var bodies [][]byte
	var err error
	switch m.h.Type {
	case frameEnhance:
		var r *Result
		if r, err = e.Run(ctx, m.bodies[0], *m.h.Options, progress); err == nil {
			answer.Result = r
			for _, img := range r.Images {
				bodies = append(bodies, img.Data)
			}
		}
	case frameAlpha:
		var png []byte
		png, err = e.Alpha(ctx, m.bodies[0], *m.h.Options, progress)
		bodies = [][]byte{png}
	default:
		return fmt.Errorf("frame %q is not known", m.h.Type)
	}
	if broken != nil {
		return broken
	}
	var failure *Failure
	switch {
	case errors.As(err, &failure):
		answer, bodies = header{Type: frameFailure, Failure: failure, Error: err.Error()}, nil
	case err != nil:
		answer, bodies = header{Type: frameError, Error: err.Error()}, nil
	}
	return writeFrame(stdout, answer, bodies...)
}
