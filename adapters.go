package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"

	"headroom/enhance"
	"headroom/enhance/admit"
	"headroom/ent"
	"headroom/internal/dispatch"
	"headroom/internal/events"
	"headroom/internal/headshot"
	"headroom/rest"
	"headroom/webhooks"
)

// The adapters let the leaves (enhance, webhooks, rest) meet the interfaces of the rules and the
// dispatch without importing them, or being imported.

// silent is the bell of commands that run beside a server: it looks by itself soon enough.
type silent struct{}

func (silent) Ring(events.Ring) {}

// admitPhoto gives the refusals of enhance/admit the kind that callers act on.
func admitPhoto(photo []byte) (headshot.Photo, error) {
	info, err := admit.Check(bytes.NewReader(photo), int64(len(photo)))
	if err == nil {
		return headshot.Photo{ContentType: info.Format.ContentType(), Width: info.Width, Height: info.Height}, nil
	}
	refusal := &headshot.Error{Kind: headshot.ValidationFailed, Field: "photo", Code: "broken_photo", Msg: err.Error()}
	switch kind, _ := admit.KindOf(err); kind {
	case admit.Unsupported:
		refusal.Kind, refusal.Code = headshot.UnsupportedMediaType, "unsupported_photo"
	case admit.TooLarge:
		refusal.Kind, refusal.Code = headshot.PayloadTooLarge, "too_many_pixels"
	case admit.Broken:
	}
	return headshot.Photo{}, refusal
}

func checkLook(raw json.RawMessage) error {
	_, err := enhance.ParseLook(raw)
	return err
}

// enhancer is the pool of worker processes as the rules see it.
type enhancer struct{ pool *enhance.Pool }

func (e enhancer) Enhance(ctx context.Context, photo []byte, o headshot.EnhanceOptions, progress func(string, float64)) (*headshot.Enhanced, error) {
	opts := enhance.Options{ForbidMany: o.ForbidManyFaces, Look: enhance.DefaultLook()}
	if len(o.Look) > 0 {
		look, err := enhance.ParseLook(o.Look)
		if err != nil {
			return nil, &headshot.PhotoFailure{Code: "BAD_LOOK", Message: "The studio's look is not valid: " + err.Error()}
		}
		opts.Look = look
	}
	res, err := e.pool.Enhance(ctx, photo, opts, progress)
	if f, ok := errors.AsType[*enhance.Failure](err); ok {
		return nil, &headshot.PhotoFailure{Code: f.Code, Message: f.Message}
	}
	if err != nil {
		return nil, err
	}
	out := &headshot.Enhanced{Score: res.Quality.Score, Profile: res.Profile}
	for _, img := range res.Images {
		out.Pictures = append(out.Pictures, headshot.Picture{
			Kind: img.Kind, Name: img.Name, ContentType: img.ContentType, Width: img.Width, Height: img.Height, Data: img.Data,
		})
	}
	for _, part := range []struct {
		to   *json.RawMessage
		from any
	}{{&out.Quality, res.Quality}, {&out.Warnings, warnings(res.Warnings)}, {&out.Steps, res.Steps}, {&out.Models, res.Models}} {
		if *part.to, err = json.Marshal(part.from); err != nil {
			return nil, fmt.Errorf("encode result: %w", err)
		}
	}
	return out, nil
}

// warnings is never null.
func warnings(w []enhance.Warning) []enhance.Warning {
	if w == nil {
		return []enhance.Warning{}
	}
	return w
}

// sender is webhooks.Sender as the dispatch sees it. issuer is the server's base URL.
type sender struct {
	*webhooks.Sender
	issuer string
}

func (s sender) Send(ctx context.Context, p dispatch.Parcel) dispatch.Outcome {
	header := http.Header{}
	for name, value := range p.Headers {
		header.Set(name, value)
	}
	secrets := make([]webhooks.Secret, len(p.Secrets))
	for i, secret := range p.Secrets {
		secrets[i] = webhooks.Secret(secret)
	}
	a := s.Sender.Send(ctx, webhooks.Request{URL: p.URL, Header: header, Secrets: secrets, Message: webhooks.Message{
		ID: p.EventID, Topic: p.Topic, Subject: p.SubjectID, Endpoint: p.EndpointID, Issuer: s.issuer, Attempt: p.Attempt, Body: p.Body,
	}})
	o := dispatch.Outcome{
		OK: a.OK(), Gone: a.Class == webhooks.ClassGone, Status: a.Status, Class: string(a.Class), Header: a.Header,
		Excerpt: a.Excerpt, StartedAt: a.StartedAt, Duration: a.Duration, RetryAfter: a.RetryAfter,
	}
	if a.Err != nil {
		o.Error = a.Err.Error()
	}
	return o
}

func nextRetry(attempts int, retryAfter time.Duration) (time.Duration, bool) {
	return webhooks.NextRetry(attempts, retryAfter, rand.Float64)
}

// secrets opens the secrets of an endpoint for the dispatch.
type secrets struct{ *headshot.Service }

func (s secrets) Secrets(ctx context.Context, endpointID string) ([]dispatch.Secret, error) {
	rows, err := s.EndpointSecrets(ctx, endpointID)
	out := make([]dispatch.Secret, len(rows))
	for i, row := range rows {
		out[i] = dispatch.Secret(row)
	}
	return out, err
}

// renderer makes webhook bodies with rest's documents, with image URLs that outlive the retries.
type renderer struct{ rest *rest.Renderer }

func (r renderer) Render(ctx context.Context, e *ent.Event) ([]byte, error) {
	return r.rest.Render(headshot.WithURLLifetime(ctx, headshot.WebhookURLLifetime), rest.Event{
		Topic: e.Topic, EventID: e.ID, OccurredAt: e.OccurredAt, SubjectID: e.SubjectID, Detail: e.Detail,
		SubmissionID: deref(e.SubmissionID), StudioID: deref(e.StudioID), ContactID: deref(e.ContactID),
	})
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
