// Package dispatch brings numbered events to webhook endpoints.
//
// The deliveries table is the queue. A job queue would be simpler, but costs tens of milliseconds before a
// delivery starts and several transactions each. Here a delivery is written once, when its event is fanned
// out, already leased to this node and handed over in memory; its result is written together with all others
// that ended at the same time. What does not fit into memory waits in the table and is claimed in batches.
//
// A lease of 20 seconds, renewed while the delivery is held, makes a dead node's deliveries due again; a node
// that starts again voids its own leases at once. So nothing is lost, and a delivery is made twice only when
// the program dies between the receiver's answer and the record of it: receivers deduplicate by webhook-id.
//
// One dead endpoint must not slow the others. Each endpoint has a lane in memory with a bound of its own,
// fresh events enter the lane without a look at any backlog, and attempts that turn out slow, or that follow
// a slow or failed one, have places of their own.
package dispatch

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"headroom/ent"
	"headroom/internal/database"
	"headroom/internal/events"
)

// Parcel is one attempt to bring one event to one endpoint.
type Parcel struct {
	URL        string
	Headers    map[string]string // the endpoint's own
	EventID    string            // webhook-id, the same at every attempt
	EndpointID string
	DeliveryID string
	SubjectID  string // the token's subject: the submission's id, or that of what the event is about
	Topic      string
	Attempt    int    // from 1
	Body       []byte // sent byte for byte; shared, not to be changed
	Secrets    []Secret
}

// Secret signs. There are two while a rotation overlaps, the older one first.
type Secret struct{ ID, Value string }

// Outcome says how an attempt ended.
type Outcome struct {
	OK         bool // the endpoint has taken the event
	Gone       bool // it wants no more events, ever
	Status     int  // of the answer, 0 without one
	Class      string
	Error      string
	Header     map[string][]string // of the request, as sent
	Excerpt    []byte              // the beginning of the answer
	StartedAt  time.Time
	Duration   time.Duration
	RetryAfter time.Duration // asked for by the receiver
}

// Sender makes one attempt. It ends by itself, after about 15 seconds at most, also when nothing answers.
type Sender interface {
	Send(ctx context.Context, p Parcel) Outcome
}

// Secrets gives the secrets an endpoint's deliveries are signed with now. ctx acts for the account.
type Secrets interface {
	Secrets(ctx context.Context, endpointID string) ([]Secret, error)
}

// Renderer makes the body of an event, once. ctx acts for the event's account.
type Renderer interface {
	Render(ctx context.Context, e *ent.Event) ([]byte, error)
}

// Config of Dispatch.
type Config struct {
	// NodeID names this process; the same after a restart, no other process's at the same time. Required.
	NodeID string
	// NextRetry says how long to wait after attempts failed ones, or false when they were enough. Required.
	NextRetry func(attempts int, retryAfter time.Duration) (time.Duration, bool)

	PerEndpoint  int           // attempts at a time to one endpoint; 8
	InFlight     int           // attempts at a time to all that answer quickly, and half as many to the others; 128
	Lease        time.Duration // 20 s; more than an attempt takes
	DrainTimeout time.Duration // how long Run waits for attempts under way after its context ended; 16 s
	DisableAfter time.Duration // of nothing but failures; 5 days
	Poll         time.Duration // how late work is found when its ring was lost; 1 s
	Logger       *slog.Logger  // slog.Default()
	Now          func() time.Time
}

// Dispatch is the engine. See Run.
type Dispatch struct {
	db       *database.DB
	client   *ent.Client
	sender   Sender
	secrets  Secrets
	renderer Renderer
	bell     events.Bell
	cfg      Config
	log      *slog.Logger

	board *board
	// results has no buffer: an attempt keeps its place until the record takes its result, so a kill repeats
	// at most what one commit holds and as many again.
	results chan result
	due     *alarm             // when the next retry is due
	broken  map[string]failure // events whose body could not be rendered; only the fan-out uses it
}

// New checks cfg and puts the parts together. Nothing runs before Run.
func New(db *database.DB, client *ent.Client, sender Sender, secrets Secrets, renderer Renderer, bell events.Bell, cfg Config) (*Dispatch, error) {
	if cfg.NodeID == "" || len(cfg.NodeID) > 64 {
		return nil, fmt.Errorf("dispatch: NodeID %q must have 1 to 64 characters", cfg.NodeID)
	}
	if cfg.NextRetry == nil {
		return nil, errors.New("dispatch: NextRetry is required")
	}
	cfg.PerEndpoint = cmp.Or(cfg.PerEndpoint, 8)
	cfg.InFlight = cmp.Or(cfg.InFlight, 128)
	cfg.Lease = cmp.Or(cfg.Lease, 20*time.Second)
	cfg.DrainTimeout = cmp.Or(cfg.DrainTimeout, 16*time.Second)
	cfg.DisableAfter = cmp.Or(cfg.DisableAfter, 5*24*time.Hour)
	cfg.Poll = cmp.Or(cfg.Poll, time.Second)
	cfg.Logger = cmp.Or(cfg.Logger, slog.Default())
	if cfg.Now == nil {
		cfg.Now = time.Now //nolint:forbidigo // the clock, where none is handed in
	}
	return &Dispatch{
		db: db, client: client, sender: sender, secrets: secrets, renderer: renderer, bell: bell,
		cfg: cfg, log: cfg.Logger,
		board:   newBoard(cfg.PerEndpoint, cfg.InFlight),
		results: make(chan result),
		due:     newAlarm(),
		broken:  map[string]failure{},
	}, nil
}

// now is the time as rows store it.
func (d *Dispatch) now() time.Time { return d.cfg.Now().UTC().Truncate(time.Millisecond) }

// Run works until ctx ends. Then it starts nothing more, gives back what has not started, lets attempts under
// way end (DrainTimeout), records them, and returns nil. It can run once.
func (d *Dispatch) Run(ctx context.Context) error {
	if err := d.voidOwnLeases(ctx); err != nil {
		if ctx.Err() != nil {
			return nil // told to end while starting
		}
		return err
	}
	// Attempts and records outlive ctx, until drained.
	working, cancelWork := context.WithCancel(context.WithoutCancel(ctx))
	defer cancelWork()
	recorded := make(chan struct{})
	go func() {
		defer close(recorded)
		d.recordLoop(working)
	}()
	var keepers, feeders sync.WaitGroup
	keeping, stopKeeping := context.WithCancel(working)
	defer stopKeeping()
	keepers.Go(func() { d.heartbeatLoop(keeping) })

	feeders.Go(func() { d.fanOutLoop(ctx) })
	feeders.Go(func() { d.claimLoop(ctx) })
	d.attemptLoop(ctx, working) // returns when ctx has ended and no attempt is under way
	feeders.Wait()
	left := d.board.close() // also what the feeders added last
	close(d.results)
	<-recorded
	stopKeeping()
	keepers.Wait()
	return d.release(working, left)
}
