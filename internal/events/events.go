// Package events keeps the log of what happened, and tells the parts of the program that wait for it.
//
// The problem: an event must exist exactly when the change it tells of does, readers page through the log by
// a position, and subscribers on every node want to know within milliseconds. So an event is a row written in
// the business transaction without a position (the outbox). After the commit a doorbell rings; a single
// writer at a time, the Sequencer, numbers the committed rows. Paging by id or by transaction id would lose
// rows that commit late; a position given after the commit cannot.
//
// Nothing depends on a ring to arrive: each reader also polls, so a lost ring costs time and nothing else.
package events

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"entgo.io/ent/dialect"

	"headroom/ent"
	"headroom/internal/database"
)

// Topic says what sort of thing happened.
type Topic string

// The topics of the contract.
const (
	SubmissionComplete        Topic = "SUBMISSION_COMPLETE"
	SubmissionCreated         Topic = "SUBMISSION_CREATED"
	SubmissionAccepted        Topic = "SUBMISSION_ACCEPTED"
	SubmissionRejected        Topic = "SUBMISSION_REJECTED"
	SubmissionRetakeRequested Topic = "SUBMISSION_RETAKE_REQUESTED"
	SubmissionFailed          Topic = "SUBMISSION_FAILED"
	ContactCreated            Topic = "CONTACT_CREATED"
	ContactUpdated            Topic = "CONTACT_UPDATED"
	ContactErased             Topic = "CONTACT_ERASED"
	SessionOpened             Topic = "SESSION_OPENED"
	SessionExpired            Topic = "SESSION_EXPIRED"
	EndpointDisabled          Topic = "ENDPOINT_DISABLED"
	Test                      Topic = "TEST"
)

// Topics lists every topic, in the contract's order.
func Topics() []Topic {
	return []Topic{
		SubmissionComplete, SubmissionCreated, SubmissionAccepted, SubmissionRejected, SubmissionRetakeRequested,
		SubmissionFailed, ContactCreated, ContactUpdated, ContactErased, SessionOpened, SessionExpired,
		EndpointDisabled, Test,
	}
}

// Valid says whether t is a topic of the contract.
func (t Topic) Valid() bool {
	return slices.Contains(Topics(), t)
}

// Draft is an event about to be written.
type Draft struct {
	Topic        Topic
	SubjectID    string // id of the row the event is about; required
	StudioID     string
	ContactID    string
	SubmissionID string
	EndpointID   string // of a TEST event: the one endpoint that gets it
	Detail       any    // facts of the moment that a later read could not give; stored as JSON
}

// Write adds the event to tx, so that it exists exactly when the change it tells of does. It has no position
// yet: ring Ring{Events: true} after the commit. The account is that of the actor in ctx.
func Write(ctx context.Context, tx *ent.Tx, d Draft) (*ent.Event, error) {
	if !d.Topic.Valid() {
		return nil, fmt.Errorf("write event: unknown topic %q", d.Topic)
	}
	if d.SubjectID == "" {
		return nil, fmt.Errorf("write event %s: no subject", d.Topic)
	}
	create := tx.Event.Create().SetTopic(string(d.Topic)).SetSubjectID(d.SubjectID).
		SetNillableStudioID(optional(d.StudioID)).SetNillableContactID(optional(d.ContactID)).
		SetNillableSubmissionID(optional(d.SubmissionID)).SetNillableEndpointID(optional(d.EndpointID))
	if d.Detail != nil {
		detail, err := json.Marshal(d.Detail)
		if err != nil {
			return nil, fmt.Errorf("write event %s of %s: detail: %w", d.Topic, d.SubjectID, err)
		}
		create.SetDetail(detail)
	}
	event, err := create.Save(ctx)
	if err != nil {
		return nil, fmt.Errorf("write event %s of %s: %w", d.Topic, d.SubjectID, err)
	}
	return event, nil
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// Config of Events.
type Config struct {
	Poll   time.Duration // how late a change is seen when its ring was lost; 1 s
	Logger *slog.Logger  // slog.Default()
}

// Events is the log at work on one node: the doorbell, the sequencer and the hub of subscribers.
type Events struct {
	Bell
	*Hub

	postgres  *Postgres // nil on SQLite
	sequencer *Sequencer
}

// New puts the parts together. Nothing runs before Run.
func New(db *database.DB, client *ent.Client, cfg Config) *Events {
	cfg.Poll = cmp.Or(cfg.Poll, time.Second)
	cfg.Logger = cmp.Or(cfg.Logger, slog.Default())
	e := &Events{}
	if db.Dialect == dialect.Postgres {
		e.postgres = NewPostgres(db.Write, db.URL, cfg.Logger)
		e.Bell = e.postgres
	} else {
		e.Bell = NewLocal()
	}
	e.sequencer = NewSequencer(db, e.Bell, cfg)
	e.Hub = NewHub(db, client, e.Bell, cfg)
	return e
}

// Run works until ctx ends, and then returns nil. An error of one part ends the others.
func (e *Events) Run(ctx context.Context) error {
	parts := []func(context.Context) error{e.sequencer.Run, e.Hub.Run}
	if e.postgres != nil {
		parts = append(parts, e.postgres.Run)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	errs := make([]error, len(parts))
	var wg sync.WaitGroup
	for i, run := range parts {
		wg.Go(func() {
			defer cancel()
			errs[i] = run(ctx)
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}
