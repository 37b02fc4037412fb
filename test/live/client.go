package live

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime/multipart"
	"net/http"
	"time"
)

// Client calls a server as its callers do.
type Client struct {
	URL string // of the server
	Key string // API key; "" sends none
}

// Answer is what the server answered, whatever its status.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// JSON reads the body into out and fails unless the status is a success.
func (a Answer) JSON(out any) error {
	if a.Status >= http.StatusMultipleChoices {
		return fmt.Errorf("status %d: %s", a.Status, bytes.TrimSpace(a.Body))
	}
	if err := json.Unmarshal(a.Body, out); err != nil {
		return fmt.Errorf("not the JSON expected: %w: %s", err, a.Body)
	}
	return nil
}

// Photo is a file to be sent.
type Photo struct {
	Name string
	Data []byte
}

var plain = &http.Client{Timeout: 60 * time.Second} //nolint:gochecknoglobals // connections are kept with it

// Do sends a request. in is JSON text when it is a []byte, nil for no body, and else turned into JSON.
func (c Client) Do(ctx context.Context, method, path string, in any) (Answer, error) {
	switch in := in.(type) {
	case nil:
		return c.send(ctx, method, path, nil, nil)
	case []byte:
		return c.send(ctx, method, path, http.Header{"Content-Type": {"application/json"}}, bytes.NewReader(in))
	}
	body, err := json.Marshal(in)
	if err != nil {
		return Answer{}, fmt.Errorf("%s %s: %w", method, path, err)
	}
	return c.send(ctx, method, path, http.Header{"Content-Type": {"application/json"}}, bytes.NewReader(body))
}

// Call is Do for a request that must succeed; its answer is read into out unless that is nil.
func (c Client) Call(ctx context.Context, method, path string, in, out any) error {
	a, err := c.Do(ctx, method, path, in)
	if err == nil && (out != nil || a.Status >= http.StatusMultipleChoices) {
		err = a.JSON(out)
	}
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	return nil
}

// Submit hands a photo in over REST, with the form's other fields.
func (c Client) Submit(ctx context.Context, fields map[string]string, photo Photo) (Answer, error) {
	body, contentType, err := form(fields, "photo", photo)
	if err != nil {
		return Answer{}, err
	}
	return c.send(ctx, http.MethodPost, "/api/v2/submissions", http.Header{"Content-Type": {contentType}}, body)
}

// GraphQLError is one error of a GraphQL answer.
type GraphQLError struct {
	Message    string
	Extensions struct{ Code string }
}

// GraphQL runs a document. errs is empty when nothing was refused; data may be null otherwise.
func (c Client) GraphQL(ctx context.Context, query string, variables map[string]any) (data json.RawMessage, errs []GraphQLError, err error) {
	a, err := c.Do(ctx, http.MethodPost, "/graphql", map[string]any{"query": query, "variables": variables})
	if err != nil {
		return nil, nil, err
	}
	return a.graphQL()
}

// GraphQLUpload runs a document whose variable input gets the photo as its field photo.
func (c Client) GraphQLUpload(ctx context.Context, query string, input map[string]any, photo Photo) (data json.RawMessage, errs []GraphQLError, err error) {
	input["photo"] = nil
	operations, err := json.Marshal(map[string]any{"query": query, "variables": map[string]any{"input": input}})
	if err != nil {
		return nil, nil, err
	}
	body, contentType, err := form(map[string]string{"operations": string(operations), "map": `{"0":["variables.input.photo"]}`}, "0", photo)
	if err != nil {
		return nil, nil, err
	}
	a, err := c.send(ctx, http.MethodPost, "/graphql", http.Header{"Content-Type": {contentType}, "GraphQL-Require-Preflight": {"1"}}, body)
	if err != nil {
		return nil, nil, err
	}
	return a.graphQL()
}

func (a Answer) graphQL() (json.RawMessage, []GraphQLError, error) {
	var out struct {
		Data   json.RawMessage
		Errors []GraphQLError
	}
	if err := json.Unmarshal(a.Body, &out); err != nil {
		return nil, nil, fmt.Errorf("status %d is no GraphQL answer: %w: %s", a.Status, err, a.Body)
	}
	if a.Status >= http.StatusBadRequest && len(out.Errors) == 0 {
		return nil, nil, fmt.Errorf("status %d without errors: %s", a.Status, a.Body)
	}
	return out.Data, out.Errors, nil
}

// form writes the fields, operations before map as the specification of GraphQL's uploads wants, and
// the file last.
func form(fields map[string]string, file string, photo Photo) (io.Reader, string, error) {
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	var errs error
	write := func(name string) {
		if value, ok := fields[name]; ok {
			errs = errors.Join(errs, w.WriteField(name, value))
		}
	}
	write("operations")
	for name := range fields {
		if name != "operations" {
			write(name)
		}
	}
	part, err := w.CreateFormFile(file, photo.Name)
	if err == nil {
		_, err = part.Write(photo.Data)
	}
	if err := errors.Join(errs, err, w.Close()); err != nil {
		return nil, "", fmt.Errorf("write a form: %w", err)
	}
	return &body, w.FormDataContentType(), nil
}

func (c Client) send(ctx context.Context, method, path string, header http.Header, body io.Reader) (Answer, error) {
	r, err := http.NewRequestWithContext(ctx, method, c.URL+path, body)
	if err != nil {
		return Answer{}, fmt.Errorf("%s %s: %w", method, path, err)
	}
	maps.Copy(r.Header, header)
	if c.Key != "" {
		r.Header.Set("Authorization", "Bearer "+c.Key)
	}
	return do(r)
}

// Fetch gets a URL without credentials, such as that of an image.
func Fetch(ctx context.Context, url string) (Answer, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return Answer{}, fmt.Errorf("fetch %s: %w", url, err)
	}
	return do(r)
}

func do(r *http.Request) (Answer, error) {
	res, err := plain.Do(r)
	if err != nil {
		return Answer{}, err
	}
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		return Answer{}, fmt.Errorf("read the answer of %s: %w", r.URL, err)
	}
	return Answer{Status: res.StatusCode, Header: res.Header, Body: raw}, nil
}
