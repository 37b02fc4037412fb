package main

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/png"
	"math"

	"github.com/h2non/bimg"
	ort "github.com/yalue/onnxruntime_go"

	"headroom/enhance"
	"headroom/enhance/models"
)

// identity measures how alike two faces are: by the Euclidean distance of the numbers that a face
// recognition network gives for them. Never part of the product, which has no business recognising
// anybody. Two photos of one person are 0.4 to 0.5 apart, of two people mostly over 0.6.
type identity struct {
	session *ort.DynamicAdvancedSession
	input   *ort.Tensor[float32]
}

const (
	chipSide = 150
	// goalIdentity is the most that making a headshot may change a face.
	goalIdentity = 0.25
)

func openIdentity(modelsDir, file string) (*identity, error) {
	set, err := models.Open(modelsDir)
	if err != nil {
		return nil, err
	}
	ort.SetSharedLibraryPath(set.Runtime())
	if err := ort.InitializeEnvironment(ort.WithLogLevelError()); err != nil {
		return nil, fmt.Errorf("start ONNX Runtime: %w", err)
	}
	id := &identity{}
	if id.session, err = ort.NewDynamicAdvancedSession(file, []string{"input"}, []string{"output"}, nil); err != nil {
		return nil, fmt.Errorf("open %s: %w", file, err)
	}
	if id.input, err = ort.NewEmptyTensor[float32](ort.NewShape(1, chipSide, chipSide, 3)); err != nil {
		return nil, fmt.Errorf("input of %s: %w", file, err)
	}
	return id, nil
}

func (id *identity) close() {
	_ = id.session.Destroy()
	_ = id.input.Destroy()
	_ = ort.DestroyEnvironment()
}

// change is the distance between the face in a photo and in its headshot, in which the enhancer
// itself finds it again.
func (id *identity) change(ctx context.Context, w *worker, photo []byte, r *enhance.Result) (float64, error) {
	before, err := id.numbers(photo, r.Face)
	if err != nil {
		return 0, err
	}
	none := false
	quick := enhance.Look{Framing: enhance.Framing{Width: 320, Height: 400}, Outputs: []enhance.Output{}, Cutout: &none}
	headshot := r.Images[0].Data
	again, err := w.Enhance(ctx, headshot, enhance.Options{Look: quick}, nil)
	if err != nil {
		return 0, fmt.Errorf("find the headshot's face: %w", err)
	}
	after, err := id.numbers(headshot, again.Face)
	if err != nil {
		return 0, err
	}
	var sum float64
	for i := range before {
		sum += math.Pow(float64(before[i]-after[i]), 2)
	}
	return math.Sqrt(sum), nil
}

// numbers describe a face.
func (id *identity) numbers(file []byte, f enhance.Face) ([]float32, error) {
	// upright and in sRGB, as the enhancer saw it
	b, err := bimg.Resize(file, bimg.Options{Type: bimg.PNG, Compression: 1, OutputICC: "srgb", Interpretation: bimg.InterpretationSRGB})
	if err != nil {
		return nil, fmt.Errorf("decode: %w", err)
	}
	m, err := png.Decode(bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	chip(id.input.GetData(), m, f)
	out := []ort.Value{nil}
	if err := id.session.Run([]ort.Value{id.input}, out); err != nil {
		return nil, fmt.Errorf("run the identity network: %w", err)
	}
	defer func() { _ = out[0].Destroy() }()
	t, ok := out[0].(*ort.Tensor[float32])
	if !ok {
		return nil, fmt.Errorf("the identity network gives a %T", out[0])
	}
	return append([]float32(nil), t.GetData()...), nil
}

// chip cuts the face as the network knows faces: eyes level, their middle at 50 % of the width and
// 38 % of the height, 0.30 of the side apart (or the mouth 0.32 below them); RGB, 0 to 255; black
// outside the picture. Each pixel is the mean of the picture's own under it.
func chip(dst []float32, m image.Image, f enhance.Face) {
	l, r := f.Eyes[0], f.Eyes[1]
	cx, cy := (l.X+r.X)/2, (l.Y+r.Y)/2
	apart := math.Hypot(r.X-l.X, r.Y-l.Y)
	down := math.Hypot(f.Mouth.X-cx, f.Mouth.Y-cy)
	step := max(apart, 0.95*down) / 0.30 / chipSide // source pixels a chip pixel
	cos, sin := (r.X-l.X)/apart*step, (r.Y-l.Y)/apart*step
	n := max(2, int(math.Ceil(step)))
	for i := range chipSide * chipSide {
		var sum [3]float64
		for k := range n * n {
			x := float64(i%chipSide) + (float64(k%n)+0.5)/float64(n) - 0.50*chipSide
			y := float64(i/chipSide) + (float64(k/n)+0.5)/float64(n) - 0.38*chipSide
			px, py := int(math.Floor(cx+x*cos-y*sin)), int(math.Floor(cy+x*sin+y*cos))
			if (image.Point{px, py}).In(m.Bounds()) {
				r, g, b, _ := m.At(px, py).RGBA()
				sum[0], sum[1], sum[2] = sum[0]+float64(r), sum[1]+float64(g), sum[2]+float64(b)
			}
		}
		for c, v := range sum {
			dst[i*3+c] = float32(v / float64(n*n) / 257)
		}
	}
}
