// Package headshot holds the rules of the product: who may do what, which state follows which, and
// what happens in one transaction. Transports, the enhancer and the webhook sender are outside and
// meet it through the small interfaces below.
package headshot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"entgo.io/ent/dialect"
	"entgo.io/ent/dialect/sql"

	"headroom/ent"
	"headroom/internal/auth"
	"headroom/internal/database"
	"headroom/internal/events"
	"headroom/internal/tenancy"
)

// Blobs stores pictures. Put returns when the bytes are durable.
type Blobs interface {
	Put(ctx context.Context, key, contentType string, data []byte) error
	Get(ctx context.Context, key string) ([]byte, error)
	// SignedURL gives a URL that works without credentials for about ttl. name is the file name offered.
	SignedURL(ctx context.Context, key, contentType, name string, ttl time.Duration) (url string, expires time.Time, err error)
}

// Queue enqueues background work inside the business transaction.
type Queue interface {
	Enhance(ctx context.Context, tx *ent.Tx, revisionID, accountID string) error
}

// Bell tells every node that there is something to look at. It is rung after commit.
type Bell interface{ Ring(r events.Ring) }

// Admit judges a photo by its first bytes, its end and the size in its header, without decoding it.
// It fails with an *Error of kind UnsupportedMediaType, PayloadTooLarge or ValidationFailed.
type Admit func(photo []byte) (Photo, error)

// Photo is what Admit finds out.
type Photo struct {
	ContentType   string
	Width, Height int // pixels, as stored; orientation not applied
}

// Enhancer turns a photo into pictures. A fault of the photo is a *PhotoFailure; any other error may
// be tried again.
type Enhancer interface {
	Enhance(ctx context.Context, photo []byte, o EnhanceOptions, progress func(step string, done float64)) (*Enhanced, error)
}

// EnhanceOptions are the studio's wishes.
type EnhanceOptions struct {
	Look            json.RawMessage // the enhancer's look; empty for its default
	ForbidManyFaces bool
}

// Enhanced is the outcome of one run of the enhancer.
type Enhanced struct {
	Pictures []Picture
	Score    float64         // quality, 0..1
	Quality  json.RawMessage // {"score", "checks": [{"code", "passed", "value", "limit", "message"}]}
	Warnings json.RawMessage // [{"code", "message"}]
	Steps    json.RawMessage
	Models   json.RawMessage
	Profile  string
}

// Picture is one finished picture. Kind is HEADSHOT, RENDITION or CUTOUT.
type Picture struct {
	Kind, Name, ContentType string
	Width, Height           int
	Data                    []byte
}

// PhotoFailure says why a photo cannot become a headshot. Message is for the person in front of the camera.
type PhotoFailure struct{ Code, Message string }

func (f *PhotoFailure) Error() string { return f.Code + ": " + f.Message }

// Deliveries changes what is on its way to webhook endpoints, inside the business transaction
// (dispatch.Deliveries). Each method says how many it changed.
type Deliveries interface {
	// Requeue makes deliveries due again at once, whatever became of them.
	Requeue(ctx context.Context, tx *ent.Tx, ids ...string) (int, error)
	// Hold keeps an endpoint's waiting deliveries back; Release makes them due.
	Hold(ctx context.Context, tx *ent.Tx, endpointID string) (int, error)
	Release(ctx context.Context, tx *ent.Tx, endpointID string) (int, error)
}

// Config is what a Service stands on. All fields are required but those that say otherwise.
type Config struct {
	Client     *ent.Client
	Blobs      Blobs
	Queue      Queue
	Bell       Bell
	Enhancer   Enhancer // may be nil on a node that only serves the API
	Admit      Admit
	CheckLook  func(look json.RawMessage) error
	CheckURL   func(ctx context.Context, raw string) error // webhook addresses
	Deliveries Deliveries
	Keys       *auth.Keys
	BaseURL    func() string // without a slash at the end; the listen address may be known late
	Now        func() time.Time
	Log        *slog.Logger
	// OnKeyRevoked is called after an API key was revoked. Optional.
	OnKeyRevoked func(keyID string)
}

// Service is the product's rules over one database. It is safe for concurrent use.
type Service struct{ Config }

// New makes a Service. Its clock is c.Now in UTC and whole milliseconds, as rows and cursors hold times.
func New(c Config) *Service {
	clock := c.Now
	c.Now = func() time.Time { return clock().UTC().Truncate(time.Millisecond) }
	return &Service{Config: c}
}

// txn is one business transaction: the ent transaction and the rings that follow its commit.
type txn struct {
	*ent.Tx
	rings []events.Ring
}

// changed notes that subscribers of a submission should look again after commit.
func (t *txn) changed(sub *ent.Submission) {
	t.rings = append(t.rings, ringFor(sub))
}

func ringFor(sub *ent.Submission) events.Ring {
	return events.Ring{AccountID: sub.AccountID, SubmissionID: sub.ID, StudioID: sub.StudioID, ContactID: sub.ContactID}
}

// inTx runs f in one transaction and rings the bell after commit. Side effects of f are rows only:
// events, deliveries, jobs. f must use tx, never s.Client, or SQLite's one writer would wait for itself.
func (s *Service) inTx(ctx context.Context, f func(tx *txn) error) error {
	raw, err := s.Client.Tx(ctx)
	if err != nil {
		return s.fault("begin", err)
	}
	tx := &txn{Tx: raw}
	defer func() {
		if p := recover(); p != nil {
			_ = raw.Rollback()
			panic(p)
		}
	}()
	if err := f(tx); err != nil {
		if rollbackErr := raw.Rollback(); rollbackErr != nil && ctx.Err() == nil { // a context that ends rolls back by itself
			s.Log.WarnContext(ctx, "rollback failed", "error", rollbackErr)
		}
		return s.fault("transaction", err)
	}
	if err := raw.Commit(); err != nil {
		return s.fault("commit", err)
	}
	for _, r := range tx.rings {
		s.Bell.Ring(r)
	}
	return nil
}

// forChange is a condition that holds on to the rows it finds until the transaction ends, so that what
// was read is still true when it is written back. Every row that is read to be changed is read with it.
// On SQLite it does nothing: transactions come one after the other there. The lock lets others insert
// rows that refer to this one.
func forChange(s *sql.Selector) {
	if s.Dialect() == dialect.Postgres {
		s.For(sql.LockNoKeyUpdate)
	}
}

// unwrap frees rows from the transaction that they were read in, which ended, so that their edges can
// be read.
func unwrap[T interface{ Unwrap() T }](rows []T) []T {
	for i, row := range rows {
		rows[i] = row.Unwrap()
	}
	return rows
}

// fault gives errors of the database the kind that callers act on; errors that have one keep it.
func (s *Service) fault(what string, err error) error {
	if _, ok := errors.AsType[*Error](err); ok {
		return err
	}
	var reference *tenancy.ReferenceError
	switch {
	case errors.As(err, &reference) || database.IsForeignKey(err): // it was there when the input was checked
		return &Error{Kind: ValidationFailed, Code: "unknown_id", Msg: "a row that this refers to was deleted meanwhile", Err: err}
	case ent.IsNotFound(err):
		return &Error{Kind: NotFound, Msg: "not found", Err: err}
	case database.IsDiskFull(err):
		return &Error{Kind: StorageFull, Msg: "the storage is full", Err: err}
	case database.IsUnavailable(err):
		return &Error{Kind: Unavailable, Msg: "the database is not available; try again", Err: err}
	}
	return fmt.Errorf("%s: %w", what, err)
}

// event writes an event into the transaction.
func (s *Service) event(ctx context.Context, tx *txn, d events.Draft) error {
	if _, err := events.Write(ctx, tx.Tx, d); err != nil {
		return fmt.Errorf("write event %s: %w", d.Topic, err)
	}
	tx.rings = append(tx.rings, events.Ring{Events: true})
	return nil
}

// audit writes who did what into the transaction.
func (s *Service) audit(ctx context.Context, tx *txn, action, subjectID string, detail any) error {
	a, _ := tenancy.From(ctx)
	create := tx.AuditEntry.Create().SetActorKind(string(a.Kind)).SetActorID(a.ID).SetAction(action).SetSubjectID(subjectID).
		SetAccountID(a.AccountID)
	if detail != nil {
		raw, err := json.Marshal(detail)
		if err != nil {
			return fmt.Errorf("audit %s: %w", action, err)
		}
		create.SetDetail(raw)
	}
	if err := create.Exec(ctx); err != nil {
		return fmt.Errorf("audit %s: %w", action, err)
	}
	return nil
}

// actor returns who acts, or Unauthenticated.
func actor(ctx context.Context) (tenancy.Actor, error) {
	a, ok := tenancy.From(ctx)
	if !ok {
		return a, Fail(Unauthenticated, "no credentials")
	}
	return a, nil
}

// need refuses an actor without scope. Capture actors have none: what they may do asks for itself.
func need(ctx context.Context, scope string) error {
	a, err := actor(ctx)
	if err != nil {
		return err
	}
	if !a.Can(scope) {
		return &Error{Kind: Forbidden, Code: "insufficient_scope", Msg: "this needs the scope " + scope}
	}
	return nil
}

// Field is a field of an update: absent (Set false), null (Null true) or a value.
type Field[T any] struct {
	Set, Null bool
	Value     T
}

// To makes a Field that is set to v.
func To[T any](v T) Field[T] { return Field[T]{Set: true, Value: v} }
