package enhance

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// Parent and worker speak in frames: four bytes with the length of a JSON header (big endian), the
// header, then the bytes the header's sizes announce, one after the other.

// Frame types.
const (
	frameHello    = "hello"    // parent → worker, first: the engine's Config
	frameReady    = "ready"    // worker → parent: models are loaded
	frameEnhance  = "enhance"  // parent → worker: Options and the photo
	frameAlpha    = "alpha"    // parent → worker: Options and the photo
	frameProgress = "progress" // worker → parent, any number
	frameResult   = "result"   // worker → parent: Result and its images, or the alpha
	frameFailure  = "failure"  // worker → parent: the photo is at fault
	frameError    = "error"    // worker → parent: something broke, the worker lives
)

// header is a frame's JSON.
type header struct {
	Type     string   `json:"type"`
	Config   *Config  `json:"config,omitempty"`
	Options  *Options `json:"options,omitempty"`
	Step     string   `json:"step,omitempty"`
	Fraction float64  `json:"fraction,omitempty"`
	Result   *Result  `json:"result,omitempty"`
	Failure  *Failure `json:"failure,omitempty"`
	Error    string   `json:"error,omitempty"`
	Sizes    []int    `json:"sizes,omitempty"`
}

const (
	maxHeader = 1 << 20
	// maxBody is more than any photo let through or any set of outputs.
	maxBody = 256 << 20
)

// writeFrame sends a header and its bodies.
//
//nolint:gosec // headers are short
func writeFrame(w io.Writer, h header, bodies ...[]byte) error {
	for _, b := range bodies {
		h.Sizes = append(h.Sizes, len(b))
	}
	text, err := json.Marshal(h)
	if err != nil {
		return fmt.Errorf("frame %s: %w", h.Type, err)
	}
	for _, b := range append([][]byte{binary.BigEndian.AppendUint32(nil, uint32(len(text))), text}, bodies...) {
		if _, err := w.Write(b); err != nil {
			return fmt.Errorf("frame %s: %w", h.Type, err)
		}
	}
	return nil
}

// readFrame receives one. The error is io.EOF when the other side ended between frames.
func readFrame(r io.Reader) (header, [][]byte, error) {
	var h header
	var n [4]byte
	if _, err := io.ReadFull(r, n[:]); err != nil {
		return h, nil, err
	}
	size := binary.BigEndian.Uint32(n[:])
	if size > maxHeader {
		return h, nil, fmt.Errorf("frame header of %d bytes, at most %d", size, maxHeader)
	}
	text := make([]byte, size)
	if _, err := io.ReadFull(r, text); err != nil {
		return h, nil, cutShort(err)
	}
	if err := json.Unmarshal(text, &h); err != nil {
		return h, nil, fmt.Errorf("frame header: %w", err)
	}
	total := 0
	bodies := make([][]byte, len(h.Sizes))
	for i, n := range h.Sizes {
		if total += n; n < 0 || total > maxBody {
			return h, nil, fmt.Errorf("frame %s: bodies of more than %d bytes", h.Type, maxBody)
		}
		bodies[i] = make([]byte, n)
		if _, err := io.ReadFull(r, bodies[i]); err != nil {
			return h, nil, cutShort(err)
		}
	}
	return h, bodies, nil
}

// cutShort keeps an end inside a frame apart from one between frames.
func cutShort(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
