package graph

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"os"
	"strconv"
	"strings"

	"github.com/99designs/gqlgen/graphql"

	"headroom/internal/headshot"
	"headroom/internal/requestid"
)

// Uploads as in the graphql-multipart-request-spec: the parts `operations` and `map`, then the files.
// A form can be sent by any web page without asking, so the request must carry a header that a page
// of another origin may not set unasked.

const (
	preflightHeader = "GraphQL-Require-Preflight"
	maxFiles        = 10
	inMemory        = 4 << 20 // a larger file goes to disk while it is read
	formSlack       = 1 << 20 // for the parts that are not the photo
)

func isMultipart(r *http.Request) bool {
	mt, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return mt == "multipart/form-data"
}

// badForm is a fault of a multipart request, for its sender to read.
type badForm struct{ msg string }

func (e badForm) Error() string { return e.msg }

func (h *Handler) serveMultipart(w http.ResponseWriter, r *http.Request) {
	mt := negotiate(r.Header.Get("Accept"))
	switch {
	case mt == "":
		h.refuse(w, r, http.StatusNotAcceptable, headshot.BadUserInput, "accept %s or %s", newType, oldType)
		return
	case r.Header.Get(preflightHeader) == "":
		h.refuse(w, r, http.StatusBadRequest, headshot.BadUserInput, "uploads need the header %s", preflightHeader)
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, headshot.MaxPhoto+formSlack)
	f := &form{max: h.cfg.MaxBody}
	defer f.close()
	p := &graphql.RawParams{Headers: r.Header}
	p.ReadTime.Start = graphql.Now()
	err := f.read(r, p)
	p.ReadTime.End = graphql.Now()
	_, large := errors.AsType[*http.MaxBytesError](err)
	bad, isBad := errors.AsType[badForm](err)
	switch {
	case large:
		h.refuse(w, r, http.StatusRequestEntityTooLarge, headshot.PayloadTooLarge, "the photo is over 50 MiB")
	case isBad:
		h.refuse(w, r, http.StatusBadRequest, headshot.BadUserInput, "%s", bad.msg)
	case err != nil:
		h.cfg.Log.WarnContext(r.Context(), "upload failed", "request_id", requestid.From(r.Context()), "error", err)
		h.refuse(w, r, http.StatusBadRequest, headshot.BadUserInput, "the upload ended early")
	default:
		h.answer(w, r, mt, p)
	}
}

// form is a multipart request being read. Its files live until close.
type form struct {
	max   int64 // of a part that is not a file
	files []*os.File
}

func (f *form) close() {
	for _, file := range f.files {
		_ = file.Close()
		_ = os.Remove(file.Name())
	}
}

func (f *form) read(r *http.Request, p *graphql.RawParams) error {
	parts, err := r.MultipartReader()
	if err != nil {
		return badForm{"the form has no boundary"}
	}
	if err := f.field(parts, "operations", p); err != nil {
		return err
	}
	if p.Query == "" {
		return badForm{errNoQuery.Error()}
	}
	var places map[string][]string
	if err := f.field(parts, "map", &places); err != nil {
		return err
	}
	if len(places) > maxFiles {
		return badForm{fmt.Sprintf("send %d files at most", maxFiles)}
	}
	for {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("next part: %w", err)
		}
		paths, ok := places[part.FormName()]
		if !ok {
			return badForm{"map does not name a part of the form"}
		}
		delete(places, part.FormName())
		if err := f.file(part, paths, p); err != nil {
			return err
		}
	}
	if len(places) > 0 {
		return badForm{"map names a file that is not in the form"}
	}
	return nil
}

// field decodes the next part, which must have that name.
func (f *form) field(parts *multipart.Reader, name string, into any) error {
	part, err := parts.NextPart()
	if errors.Is(err, io.EOF) || (err == nil && part.FormName() != name) {
		return badForm{"the form begins with the parts operations and map"}
	}
	if err != nil {
		return fmt.Errorf("part %s: %w", name, err)
	}
	d := json.NewDecoder(io.LimitReader(part, f.max))
	d.UseNumber()
	if err := d.Decode(into); err != nil {
		if large, ok := errors.AsType[*http.MaxBytesError](err); ok {
			return large
		}
		return badForm{"the part " + name + " is not what it should be"}
	}
	return nil
}

// file puts one file where the variables have a null for it.
func (f *form) file(part *multipart.Part, paths []string, p *graphql.RawParams) error {
	if len(paths) != 1 {
		return badForm{"each file has one place in the variables"}
	}
	content, size, err := f.spool(part)
	if err != nil {
		return err
	}
	if size > headshot.MaxPhoto {
		return &http.MaxBytesError{Limit: headshot.MaxPhoto}
	}
	up := graphql.Upload{File: content, Filename: part.FileName(), Size: size, ContentType: part.Header.Get("Content-Type")}
	if !place(up, p.Variables, paths[0]) {
		return badForm{"map names a place that is not a null of the variables"}
	}
	return nil
}

// place puts a file where the variables have a null at a path such as variables.input.photo, and says
// whether they do. (gqlgen's AddUpload panics at paths that lead elsewhere.)
func place(up graphql.Upload, variables map[string]any, path string) bool {
	steps := strings.Split(path, ".")
	if steps[0] != "variables" {
		return false
	}
	var at any = variables
	for i, step := range steps[1:] {
		last := i == len(steps)-2
		switch in := at.(type) {
		case map[string]any:
			next, ok := in[step]
			if last && ok && next == nil {
				in[step] = up
				return true
			}
			at = next
		case []any:
			n, err := strconv.Atoi(step)
			if err != nil || n < 0 || n >= len(in) {
				return false
			}
			if last && in[n] == nil {
				in[n] = up
				return true
			}
			at = in[n]
		}
	}
	return false
}

// spool reads a file, into memory while it is small.
func (f *form) spool(part *multipart.Part) (io.ReadSeeker, int64, error) {
	head := make([]byte, inMemory)
	n, err := io.ReadFull(part, head)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return bytes.NewReader(head[:n]), int64(n), nil
	}
	if err != nil {
		return nil, 0, fmt.Errorf("read a file: %w", err)
	}
	file, err := os.CreateTemp("", "headroom-upload-")
	if err != nil {
		return nil, 0, fmt.Errorf("spool a file: %w", err)
	}
	f.files = append(f.files, file)
	if _, err := file.Write(head); err != nil {
		return nil, 0, fmt.Errorf("spool a file: %w", err)
	}
	rest, err := io.Copy(file, part)
	if err != nil {
		return nil, 0, fmt.Errorf("spool a file: %w", err)
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return nil, 0, fmt.Errorf("spool a file: %w", err)
	}
	return file, int64(n) + rest, nil
}
