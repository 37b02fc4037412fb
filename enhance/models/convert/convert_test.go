package convert_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"headroom/enhance/models/convert"
)

func TestConversionGivesTheCommittedBytes(t *testing.T) {
	t.Parallel()
	cases := []struct{ file, sum string }{
		{"face-short-128.tflite", "3eef92ed370863fdc68cac8c747bd8b448f68c4b488e9c267260120dd62ffb76"},
		{"operators.tflite", "d182fde68ba9a5b76a58003435b6c7b0f7d3bd669c390b9c65c066f13e9d0a45"},
	}
	for _, c := range cases {
		t.Run(c.file, func(t *testing.T) {
			t.Parallel()
			in := sample(t, c.file)
			kept := bytes.Clone(in)
			for range 2 {
				out, err := convert.ONNX(in)
				if err != nil {
					t.Fatal(err)
				}
				h := sha256.Sum256(out)
				if got := hex.EncodeToString(h[:]); got != c.sum {
					t.Errorf("sha256 %s, want %s", got, c.sum)
				}
			}
			if !bytes.Equal(in, kept) {
				t.Error("the input was changed")
			}
		})
	}
}

func TestBundledShortRangeIsThePublishersFileConverted(t *testing.T) {
	t.Parallel()
	out, err := convert.ONNX(sample(t, "face-short-128.tflite"))
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(filepath.Join("..", "bundled", "face-short-128.onnx"))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(out, want) {
		t.Error("bundled/face-short-128.onnx is not what the converter makes")
	}
}

func TestDamagedFilesAreErrors(t *testing.T) {
	t.Parallel()
	whole := sample(t, "operators.tflite")
	for n := 0; n < len(whole); n += 7 {
		if _, err := convert.ONNX(whole[:n]); err == nil {
			t.Errorf("%d of %d bytes were taken for a network", n, len(whole))
		}
	}
	if _, err := convert.ONNX([]byte("\x89PNG\r\n\x1a\n and so on")); err == nil || !strings.Contains(err.Error(), "not a TensorFlow Lite file") {
		t.Errorf("a picture: %v", err)
	}
}

func TestUnknownOperatorIsNamed(t *testing.T) {
	t.Parallel()
	in := sample(t, "operators.tflite")
	changed := bytes.Replace(in, []byte("Convolution2DTransposeBias"), []byte("Convolution2DTransposeBeer"), 1)
	if _, err := convert.ONNX(changed); err == nil || !strings.Contains(err.Error(), "Convolution2DTransposeBeer") {
		t.Errorf("error %v", err)
	}
}

// FuzzONNX looks for panics: what strangers publish must end in bytes or an error.
func FuzzONNX(f *testing.F) {
	for _, name := range []string{"operators.tflite"} {
		b, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		out, err := convert.ONNX(b)
		if (err == nil) == (out == nil) {
			t.Errorf("%d bytes and error %v", len(out), err)
		}
	})
}

func sample(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}
