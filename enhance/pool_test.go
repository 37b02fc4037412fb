package enhance_test

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"

	"headroom/enhance"
)

// pids hands on the process ids that a pool logs as its workers get ready, and when one ends for want of work.
type pids struct {
	slog.Handler
	ready chan int
	idle  chan bool
}

func (p pids) Enabled(context.Context, slog.Level) bool { return true }

func (p pids) WithAttrs([]slog.Attr) slog.Handler { return p }

func (p pids) Handle(_ context.Context, r slog.Record) error {
	if r.Message == "enhance worker idle, ended" {
		p.idle <- true
	}
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == "pid" {
			p.ready <- int(a.Value.Int64())
		}
		return true
	})
	return nil
}

// startPool runs a pool of this test binary's workers until the test ends.
func startPool(t *testing.T, cfg enhance.PoolConfig) (*enhance.Pool, pids) {
	t.Helper()
	engine(t) // fails with what to do when there are no models
	p := pids{slog.DiscardHandler, make(chan int, 100), make(chan bool, 100)}
	cfg.Command = []string{os.Args[0], workerArg}
	cfg.Engine = enhance.Config{ModelsDir: modelsDir, Profile: "standard"}
	cfg.Logger = slog.New(p)
	pool, err := enhance.NewPool(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- pool.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return pool, p
}

func TestPoolGivesWhatTheEngineGives(t *testing.T) {
	t.Parallel()
	pool, _ := startPool(t, enhance.PoolConfig{})
	file := photo(t, "08-spacesuit-512px")
	var steps []string
	got, err := pool.Enhance(t.Context(), file, enhance.Options{Look: small()}, func(step string, _ float64) { steps = append(steps, step) })
	if err != nil {
		t.Fatal(err)
	}
	want := run(t, file, enhance.Options{Look: small()})
	for i := range want.Images {
		if mean, _ := difference(decodeImage(t, want.Images[i].Data), decodeImage(t, got.Images[i].Data)); mean > 0.5 {
			t.Errorf("%s differs by %.1f", want.Images[i].Name, mean)
		}
	}
	if len(steps) < 8 || steps[len(steps)-1] != "done" {
		t.Errorf("steps heard of: %v", steps)
	}
	if _, err := pool.Alpha(t.Context(), file, enhance.Options{}, nil); err != nil {
		t.Error(err)
	}
	var f *enhance.Failure
	if _, err := pool.Enhance(t.Context(), photo(t, "15-no-face"), enhance.Options{}, nil); !errors.As(err, &f) || f.Code != enhance.NoFace {
		t.Errorf("no face: got %v", err)
	}
}

func TestCrashTakesOnePhotoOnly(t *testing.T) {
	t.Parallel()
	pool, workers := startPool(t, enhance.PoolConfig{})
	pid := <-workers.ready
	file := photo(t, "08-spacesuit-512px")
	_, err := pool.Enhance(t.Context(), file, enhance.Options{Look: small()}, func(step string, _ float64) {
		if step == "face" {
			if err := syscall.Kill(pid, syscall.SIGSEGV); err != nil {
				t.Error(err)
			}
		}
	})
	if !errors.Is(err, enhance.ErrCrashed) {
		t.Fatalf("got %v, want ErrCrashed", err)
	}
	if _, err := pool.Enhance(t.Context(), file, enhance.Options{Look: small()}, nil); err != nil {
		t.Errorf("the next photo: %v", err)
	}
	if next := <-workers.ready; next == pid {
		t.Errorf("worker %d is still there", pid)
	}
}

func TestWorkerThatDiesIdleIsReplaced(t *testing.T) {
	t.Parallel()
	pool, workers := startPool(t, enhance.PoolConfig{})
	if err := syscall.Kill(<-workers.ready, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	// the pool may not have noticed yet: then the photo is the one that does
	_, err := pool.Enhance(t.Context(), photo(t, "08-spacesuit-512px"), enhance.Options{Look: small()}, nil)
	if err != nil && !errors.Is(err, enhance.ErrCrashed) {
		t.Fatal(err)
	}
	if _, err := pool.Enhance(t.Context(), photo(t, "08-spacesuit-512px"), enhance.Options{Look: small()}, nil); err != nil {
		t.Error(err)
	}
}

func TestTimeoutEndsTheWorker(t *testing.T) {
	t.Parallel()
	pool, workers := startPool(t, enhance.PoolConfig{Timeout: 20 * time.Second})
	pid := <-workers.ready
	_, err := pool.Enhance(t.Context(), photo(t, "08-spacesuit-512px"), enhance.Options{Look: small()}, func(step string, _ float64) {
		if step == "face" {
			if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
				t.Error(err)
			}
		}
	})
	if !errors.Is(err, enhance.ErrTimeout) {
		t.Fatalf("got %v, want ErrTimeout", err)
	}
	if _, err := pool.Enhance(t.Context(), photo(t, "08-spacesuit-512px"), enhance.Options{Look: small()}, nil); err != nil {
		t.Errorf("the next photo: %v", err)
	}
}

func TestCancelEndsThePhotoNotThePool(t *testing.T) {
	t.Parallel()
	pool, _ := startPool(t, enhance.PoolConfig{})
	ctx, cancel := context.WithCancel(t.Context())
	_, err := pool.Enhance(ctx, photo(t, "08-spacesuit-512px"), enhance.Options{Look: small()}, func(string, float64) { cancel() })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if _, err := pool.Enhance(t.Context(), photo(t, "08-spacesuit-512px"), enhance.Options{Look: small()}, nil); err != nil {
		t.Errorf("the next photo: %v", err)
	}
}

func TestPhotosWaitForAFreeWorker(t *testing.T) {
	t.Parallel()
	pool, _ := startPool(t, enhance.PoolConfig{Size: 2})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if _, err := pool.Enhance(t.Context(), photo(t, "08-spacesuit-512px"), enhance.Options{Look: small()}, nil); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

func TestIdleWorkerEndsAndComesBack(t *testing.T) {
	t.Parallel()
	pool, workers := startPool(t, enhance.PoolConfig{Idle: time.Millisecond})
	first := <-workers.ready
	<-workers.idle
	if _, err := pool.Enhance(t.Context(), photo(t, "08-spacesuit-512px"), enhance.Options{Look: small()}, nil); err != nil {
		t.Fatal(err)
	}
	if next := <-workers.ready; next == first {
		t.Errorf("worker %d was kept", first)
	}
}

func TestClosedPool(t *testing.T) {
	t.Parallel()
	pool, err := enhance.NewPool(enhance.PoolConfig{Command: []string{os.Args[0], workerArg}, Engine: enhance.Config{ModelsDir: modelsDir}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := pool.Run(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := pool.Enhance(t.Context(), nil, enhance.Options{}, nil); !errors.Is(err, enhance.ErrClosed) {
		t.Errorf("got %v, want ErrClosed", err)
	}
	if err := pool.Run(t.Context()); err == nil {
		t.Error("Run ran twice")
	}
}

func TestWorkerWithoutModelsSaysSo(t *testing.T) {
	t.Parallel()
	pool, err := enhance.NewPool(enhance.PoolConfig{Command: []string{os.Args[0], workerArg}, Engine: enhance.Config{ModelsDir: t.TempDir()}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- pool.Run(ctx) }()
	_, err = pool.Enhance(t.Context(), photo(t, "08-spacesuit-512px"), enhance.Options{}, nil)
	if err == nil || errors.Is(err, enhance.ErrCrashed) {
		t.Errorf("got %v, want what is missing", err)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
