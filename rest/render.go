package rest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Event is what a webhook body tells of. Ids that do not apply are empty.
type Event struct {
	Topic, EventID                    string
	OccurredAt                        time.Time
	SubmissionID, StudioID, ContactID string
	SubjectID                         string          // the row it happened to
	Detail                            json.RawMessage // of a TEST event without a submission: the data to send
}

// Renderer makes webhook bodies: the event, and under data the row it is about, as GET shows it.
type Renderer struct {
	exec Executor
	docs map[string]*document
}

// NewRenderer makes a Renderer over exec. Like New it panics when the build is at fault.
func NewRenderer(exec Executor) *Renderer {
	docs, err := documents(schema())
	if err != nil {
		panic("rest: " + err.Error())
	}
	return &Renderer{exec: exec, docs: docs}
}

// subject picks what a topic's data holds: its key, the document that reads it, and its id.
func (e Event) subject() (key, document, id string) {
	noun, _, _ := strings.Cut(e.Topic, "_")
	switch noun {
	case "SUBMISSION":
		return "submission", "submission", e.SubmissionID
	case "CONTACT":
		return "contact", "contact", e.ContactID
	case "SESSION":
		return "studio_session", "studioSession", e.SubjectID
	case "ENDPOINT":
		return "webhook_endpoint", "webhookEndpoint", e.SubjectID
	}
	if e.SubmissionID != "" {
		return "submission", "submission", e.SubmissionID
	}
	return "", "", ""
}

// Render makes the body of an event's webhook. The row under data is the one of now, read as the actor
// of ctx, byte for byte what GET answers for it; data is null when it is gone. Image URLs live as long
// as ctx asks for.
func (r *Renderer) Render(ctx context.Context, e Event) ([]byte, error) {
	data, err := r.data(ctx, e)
	if err != nil {
		return nil, fmt.Errorf("render %s %s: %w", e.Topic, e.EventID, err)
	}
	head, err := json.Marshal(struct {
		Topic        string  `json:"topic"`
		SubmissionID *string `json:"submission_id"`
		StudioID     *string `json:"studio_id"`
		ContactID    *string `json:"contact_id"`
		EventID      string  `json:"event_id"`
		OccurredAt   string  `json:"occurred_at"`
	}{
		e.Topic, optional(e.SubmissionID), optional(e.StudioID), optional(e.ContactID), e.EventID,
		e.OccurredAt.UTC().Format("2006-01-02T15:04:05.000Z"),
	})
	if err != nil {
		return nil, fmt.Errorf("render %s %s: %w", e.Topic, e.EventID, err)
	}
	return bytes.Join([][]byte{head[:len(head)-1], []byte(`,"data":`), data, []byte("}")}, nil), nil
}

func (r *Renderer) data(ctx context.Context, e Event) ([]byte, error) {
	key, document, id := e.subject()
	if key == "" {
		if len(e.Detail) == 0 {
			return []byte("{}"), nil
		}
		return e.Detail, nil
	}
	row, err := run(ctx, r.exec, r.docs[document], map[string]any{"id": id}, func(f fault, _ string) fault { return f })
	if refused, ok := errors.AsType[*refusal](err); ok && refused.code == notFound {
		return []byte("null"), nil
	}
	if err != nil {
		return nil, err
	}
	return bytes.Join([][]byte{[]byte(`{"` + key + `":`), row, []byte("}")}, nil), nil
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
