package enhance_test

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"image"
	_ "image/jpeg" // headshots are decoded
	_ "image/png"  // and cutouts
	"os"
	"path/filepath"
	"sync"
	"testing"

	"headroom/enhance"
)

// update writes the goldens anew: go test ./enhance -run Golden -update.
var update = flag.Bool("update", false, "write testdata/golden anew")

const (
	portraits = "testdata/portraits"
	modelsDir = "../models"
	// workerArg makes this test binary the worker process of a pool.
	workerArg = "enhance-worker"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == workerArg {
		if err := enhance.Worker(context.Background(), os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if len(os.Args) > 1 && os.Args[1] == parentArg {
		parent()
	}
	os.Exit(m.Run())
}

// standardEngine is one engine for all tests: loading the networks takes longer than most of them.
var standardEngine = sync.OnceValues(func() (*enhance.Engine, error) {
	return enhance.Open(enhance.Config{ModelsDir: modelsDir, Profile: "standard"})
})

func engine(t *testing.T) *enhance.Engine {
	t.Helper()
	e, err := standardEngine()
	if err != nil {
		t.Fatalf("%v\nThe models folder is filled by: make build", err)
	}
	return e
}

func photo(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(portraits, name+".jpg"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func decodeImage(t *testing.T, b []byte) image.Image {
	t.Helper()
	m, _, err := image.Decode(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// small is a look that is quick to make: one 320 × 400 master and a 256 px PNG.
func small() enhance.Look {
	no := false
	return enhance.Look{
		Framing: enhance.Framing{Width: 320, Height: 400},
		Outputs: []enhance.Output{{Name: "256", Width: 256, Height: 256, Format: enhance.FormatPNG}},
		Cutout:  &no,
	}
}

func run(t *testing.T, file []byte, opts enhance.Options) *enhance.Result {
	t.Helper()
	r, err := engine(t).Run(t.Context(), file, opts, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}
