package main

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"image/png"
	"os"
	"path/filepath"
	"strings"

	"github.com/h2non/bimg"
)

// Cells of the contact sheet: as wide by as high as a headshot is.
const (
	cellWidth, cellHeight = 360, 450
	photosInLine          = 2
)

// writeSheet puts each photo beside its headshots, in the order of file names: photo, then one a
// profile, and an empty cell where there is none.
func writeSheet(path string, ms []measured) error {
	photos := ms[0].portraits
	cells := 1 + len(ms)
	lines := (len(photos) + photosInLine - 1) / photosInLine
	sheet := image.NewRGBA(image.Rect(0, 0, photosInLine*cells*cellWidth, lines*cellHeight))
	draw.Draw(sheet, sheet.Rect, image.NewUniform(color.White), image.Point{}, draw.Src)
	for i, p := range photos {
		x, y := i%photosInLine*cells*cellWidth, i/photosInLine*cellHeight
		file, err := os.ReadFile(p.path)
		if err != nil {
			return err
		}
		pictures := [][]byte{file}
		for _, m := range ms {
			pictures = append(pictures, m.portraits[i].headshot)
		}
		for k, b := range pictures {
			if err := place(sheet, x+k*cellWidth, y, b); err != nil {
				return fmt.Errorf("contact sheet: %s: %w", p.path, err)
			}
		}
	}
	return writeImage(path, sheet)
}

// place draws a picture into the cell at x, y, as large as it fits.
func place(sheet draw.Image, x, y int, file []byte) error {
	if file == nil {
		return nil
	}
	// upright first, since bimg turns after it has chosen the size; what says how to turn stays in the PNG
	b, err := bimg.Resize(file, bimg.Options{Type: bimg.PNG, Compression: 1, OutputICC: "srgb", Interpretation: bimg.InterpretationSRGB})
	if err != nil {
		return err
	}
	size, err := bimg.Size(b)
	if err != nil {
		return err
	}
	k := min(cellWidth/float64(size.Width), cellHeight/float64(size.Height))
	width, height := int(float64(size.Width)*k), int(float64(size.Height)*k)
	if b, err = bimg.Resize(b, bimg.Options{Type: bimg.PNG, Width: width, Height: height, Force: true, NoAutoRotate: true}); err != nil {
		return err
	}
	m, err := png.Decode(bytes.NewReader(b))
	if err != nil {
		return err
	}
	at := image.Pt(x+(cellWidth-width)/2, y+(cellHeight-height)/2)
	draw.Draw(sheet, m.Bounds().Add(at), m, image.Point{}, draw.Src)
	return nil
}

func writeImage(path string, m image.Image) error {
	var b bytes.Buffer
	var err error
	if strings.EqualFold(filepath.Ext(path), ".png") {
		err = png.Encode(&b, m)
	} else {
		err = jpeg.Encode(&b, m, &jpeg.Options{Quality: 88})
	}
	if err != nil {
		return err
	}
	return os.WriteFile(path, b.Bytes(), 0o644) //nolint:gosec // a picture for whoever asked for it
}
