package enhance

import (
	"fmt"
	"math"
	"sync"

	ort "github.com/yalue/onnxruntime_go"

	"headroom/enhance/models"
)

// runtimeStart guards the start of ONNX Runtime, of which a process has exactly one.
var runtimeStart sync.Mutex //nolint:gochecknoglobals // the library behind it is global

// startRuntime loads the library once a process; later calls do nothing.
func startRuntime(library string) error {
	runtimeStart.Lock()
	defer runtimeStart.Unlock()
	if ort.IsInitialized() {
		return nil
	}
	ort.SetSharedLibraryPath(library)
	if err := ort.InitializeEnvironment(ort.WithLogLevelError()); err != nil {
		return fmt.Errorf("start ONNX Runtime from %s: %w", library, err)
	}
	return nil
}

// net is one loaded network. It is not for use by several goroutines at a time.
type net struct {
	models.Model
	session *ort.DynamicAdvancedSession
	input   *ort.Tensor[float32]
}

func openNet(m models.Model, threads int) (_ *net, err error) {
	opts, err := ort.NewSessionOptions()
	if err != nil {
		return nil, fmt.Errorf("options for %s: %w", m.Name, err)
	}
	defer func() { _ = opts.Destroy() }()
	for _, set := range []func() error{
		func() error { return opts.SetIntraOpNumThreads(threads) },
		func() error { return opts.SetInterOpNumThreads(1) },
		// waiting threads that spin would take the processor from libvips and from the other photos
		func() error { return opts.AddSessionConfigEntry("session.intra_op.allow_spinning", "0") },
		// the arena never gives memory back
		func() error { return opts.SetCpuMemArena(false) },
	} {
		if err := set(); err != nil {
			return nil, fmt.Errorf("options for %s: %w", m.Name, err)
		}
	}
	n := &net{Model: m}
	if n.session, err = ort.NewDynamicAdvancedSession(m.Path, []string{m.Input}, m.Outputs, opts); err != nil {
		return nil, fmt.Errorf("open %s: %w", m.Name, err)
	}
	side := int64(m.Side)
	shape := ort.NewShape(1, side, side, 3)
	if m.Layout == models.NCHW {
		shape = ort.NewShape(1, 3, side, side)
	}
	if n.input, err = ort.NewEmptyTensor[float32](shape); err != nil {
		return nil, fmt.Errorf("input of %s: %w", m.Name, err)
	}
	return n, nil
}

func (n *net) close() {
	if n.session != nil {
		_ = n.session.Destroy()
	}
	if n.input != nil {
		_ = n.input.Destroy()
	}
}

// run feeds a picture of Side × Side and returns copies of the outputs.
func (n *net) run(m picture) ([][]float32, error) {
	x := n.input.GetData()
	size := n.Side * n.Side
	for c, ch := range m {
		k, d := 1/n.Std[c], -n.Mean[c]/n.Std[c]
		if n.Layout == models.NCHW {
			for i, v := range ch.p {
				x[c*size+i] = v*k + d
			}
			continue
		}
		for i, v := range ch.p {
			x[i*3+c] = v*k + d
		}
	}
	values := make([]ort.Value, len(n.Outputs))
	if err := n.session.Run([]ort.Value{n.input}, values); err != nil {
		return nil, fmt.Errorf("run %s: %w", n.Name, err)
	}
	out := make([][]float32, len(values))
	for i, v := range values {
		t, ok := v.(*ort.Tensor[float32])
		if !ok {
			return nil, fmt.Errorf("run %s: output %s is not float32", n.Name, n.Outputs[i])
		}
		out[i] = append([]float32(nil), t.GetData()...)
		_ = t.Destroy()
	}
	return out, nil
}

// mask runs a network that answers with one probability a pixel.
func (n *net) mask(m picture) (*plane, error) {
	out, err := n.run(m.resize(n.Side, n.Side, triangle()))
	if err != nil {
		return nil, err
	}
	if len(out[0]) != n.Side*n.Side {
		return nil, fmt.Errorf("run %s: %d values, expected %d × %d", n.Name, len(out[0]), n.Side, n.Side)
	}
	a := &plane{n.Side, n.Side, out[0]}
	for i, v := range a.p {
		if n.Sigmoid {
			v = sigmoid(v)
		}
		a.p[i] = clamp01(v)
	}
	return a, nil
}

// steadyMask is the mean of the mask and of the mirrored picture's: it costs twice and halves the
// noise at the edges.
func (n *net) steadyMask(m picture) (*plane, error) {
	m = m.resize(n.Side, n.Side, triangle())
	a, err := n.mask(m)
	if err != nil {
		return nil, err
	}
	b, err := n.mask(picture{m[0].flip(), m[1].flip(), m[2].flip()})
	if err != nil {
		return nil, err
	}
	b = b.flip()
	return each(a.w, a.h, func(i int) float32 { return (a.p[i] + b.p[i]) / 2 }), nil
}

func sigmoid(v float32) float32 { return float32(1 / (1 + math.Exp(-float64(v)))) }

// logit is the inverse of sigmoid, kept finite: beyond 0.002 and 0.998 the networks only guess.
func logit(v float32) float32 {
	v = min(max(v, 0.002), 0.998)
	return float32(math.Log(float64(v) / float64(1-v)))
}
