// Command cmd makes the bundled networks anew:
//
//	go run ./enhance/models/convert/cmd [-from DIR]           rebuild enhance/models/bundled/*.onnx
//	go run ./enhance/models/convert/cmd FILE.tflite OUT.onnx  convert one file
//
// The rebuild fetches the publisher's packages with npm pack (or takes the tarballs from DIR), converts,
// and fails when a result is not the one pinned in bundled/manifest.json; the error names both hashes,
// so a wanted change of the converter is recorded by writing the new hash there.
package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"

	"headroom/enhance/models"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		slog.Error("convert models", "err", err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("convert", flag.ContinueOnError)
	to := flags.String("to", "enhance/models/bundled", "folder to write the bundled networks to")
	from := flags.String("from", "", "folder with the npm tarballs; empty fetches them")
	if err := flags.Parse(args); err != nil {
		return err
	}
	switch flags.NArg() {
	case 0:
		return models.Rebuild(ctx, *to, models.FetchOptions{From: *from, Log: func(s string) { slog.InfoContext(ctx, s) }})
	case 2:
		return models.Convert(flags.Arg(0), flags.Arg(1))
	}
	return fmt.Errorf("want no argument, or FILE.tflite and OUT.onnx, not %q", flags.Args())
}
