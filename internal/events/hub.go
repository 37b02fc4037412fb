package events

import (
	"context"
	"fmt"
	"iter"
	"log/slog"
	"sync"
	"time"

	"headroom/ent"
	"headroom/ent/event"
	"headroom/internal/database"
)

const tailAtOnce = 500

// Filter narrows a subscription. An empty field lets everything pass.
type Filter struct{ SubmissionID, StudioID, ContactID string }

// Change says that a submission may have changed. The reader looks at the row to see how.
type Change struct {
	SubmissionID string
	Topic        Topic // of the newest event; empty for progress
	Seq          int64 // of the newest event; 0 for progress
}

// Hub tells this node's subscribers of changes, whichever node they happened on: it follows the log from its
// own position, and hears rings of progress.
type Hub struct {
	db     *database.DB
	client *ent.Client
	bell   Bell
	poll   time.Duration
	log    *slog.Logger

	mu          sync.RWMutex
	subscribers map[string]map[*subscriber]struct{} // by account
}

// NewHub makes a hub without subscribers.
func NewHub(db *database.DB, client *ent.Client, bell Bell, cfg Config) *Hub {
	return &Hub{
		db: db, client: client, bell: bell, poll: cfg.Poll, log: cfg.Logger,
		subscribers: map[string]map[*subscriber]struct{}{},
	}
}

// subscriber keeps the newest change of each submission until its reader takes it, so a slow reader holds
// nobody up and loses only what a newer change replaced.
type subscriber struct {
	filter Filter
	all    bool // also wake for events that concern no submission

	mu      sync.Mutex
	changes map[string]Change
	order   []string
	wake    chan struct{}
}

func (s *subscriber) put(c Change) {
	s.mu.Lock()
	if old, known := s.changes[c.SubmissionID]; !known {
		s.order = append(s.order, c.SubmissionID)
	} else if c.Seq < old.Seq { // progress melts into the event that waits
		c.Topic, c.Seq = old.Topic, old.Seq
	}
	s.changes[c.SubmissionID] = c
	s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

func (s *subscriber) take() (Change, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.order) == 0 {
		return Change{}, false
	}
	c := s.changes[s.order[0]]
	delete(s.changes, s.order[0])
	s.order = s.order[1:]
	return c, true
}

// wait waits for any change and takes all there are; only the waking counts. It is false when ctx ends.
func (s *subscriber) wait(ctx context.Context) bool {
	select {
	case <-ctx.Done():
		return false
	case <-s.wake:
		s.mu.Lock()
		defer s.mu.Unlock()
		clear(s.changes)
		s.order = nil
		return true
	}
}

// wants says whether the filter lets a change pass. What the ring does not say is left to the reader.
func (s *subscriber) wants(submission, studio, contact string) bool {
	if submission == "" {
		return s.all
	}
	f := s.filter
	return (f.SubmissionID == "" || f.SubmissionID == submission) &&
		(f.StudioID == "" || studio == "" || f.StudioID == studio) &&
		(f.ContactID == "" || contact == "" || f.ContactID == contact)
}

// Subscribe tells of changes to the account's submissions until ctx ends; then the channel is closed.
//
// Subscribe first and read the row for the first message after that: a change between the two is then told
// again rather than lost. A progress ring need not say studio and contact, so a reader with such a filter
// compares the row. The last change of a submission always arrives; earlier ones may melt into it.
func (h *Hub) Subscribe(ctx context.Context, accountID string, f Filter) <-chan Change {
	s := h.register(ctx, accountID, f, false)
	out := make(chan Change)
	go func() {
		defer close(out)
		for {
			select {
			case <-ctx.Done():
				return
			case <-s.wake:
			}
			for c, ok := s.take(); ok; c, ok = s.take() {
				select {
				case <-ctx.Done():
					return
				case out <- c:
				}
			}
		}
	}()
	return out
}

func (h *Hub) register(ctx context.Context, accountID string, f Filter, all bool) *subscriber {
	s := &subscriber{filter: f, all: all, changes: map[string]Change{}, wake: make(chan struct{}, 1)}
	h.mu.Lock()
	if h.subscribers[accountID] == nil {
		h.subscribers[accountID] = map[*subscriber]struct{}{}
	}
	h.subscribers[accountID][s] = struct{}{}
	h.mu.Unlock()
	context.AfterFunc(ctx, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.subscribers[accountID], s)
		if len(h.subscribers[accountID]) == 0 {
			delete(h.subscribers, accountID)
		}
	})
	return s
}

// Tail gives the account's events behind position after, in order and without a gap, and waits for more until
// ctx ends. accountID must be the account of the actor in ctx. No topics means all. It stops after an error.
func (h *Hub) Tail(ctx context.Context, accountID string, after int64, topics ...Topic) iter.Seq2[*ent.Event, error] {
	return func(yield func(*ent.Event, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		s := h.register(ctx, accountID, Filter{}, true)
		for {
			page, err := h.page(ctx, accountID, after, topics)
			if ctx.Err() != nil {
				return
			}
			if err != nil {
				yield(nil, err)
				return
			}
			for _, e := range page {
				if !yield(e, nil) {
					return
				}
				after = *e.Seq
			}
			if len(page) < tailAtOnce && !s.wait(ctx) {
				return
			}
		}
	}
}

func (h *Hub) page(ctx context.Context, accountID string, after int64, topics []Topic) ([]*ent.Event, error) {
	q := h.client.Event.Query().Where(event.AccountID(accountID), event.SeqGT(after))
	if len(topics) > 0 {
		names := make([]string, len(topics))
		for i, t := range topics {
			names[i] = string(t)
		}
		q.Where(event.TopicIn(names...))
	}
	page, err := q.Order(event.BySeq()).Limit(tailAtOnce).All(ctx)
	if err != nil {
		return nil, fmt.Errorf("read events after %d: %w", after, err)
	}
	return page, nil
}

// Run follows the log and the bell until ctx ends, and then returns nil.
func (h *Hub) Run(ctx context.Context) error {
	rings := h.bell.Listen(ctx)
	tick := time.NewTicker(h.poll)
	defer tick.Stop()
	position := int64(-1) // unknown
	for {
		var err error
		if position, err = h.follow(ctx, position); err != nil && ctx.Err() == nil {
			h.log.ErrorContext(ctx, "follow the event log", "error", err)
		}
		waitFor(ctx, rings, tick.C, func(r Ring) bool {
			h.progress(r)
			return r.Numbered || r.Everything
		})
		if ctx.Err() != nil {
			return nil
		}
	}
}

// follow publishes the events behind position and returns the new one. The first call only finds the end of
// the log: who subscribes later reads the state now by itself.
func (h *Hub) follow(ctx context.Context, position int64) (int64, error) {
	if position < 0 {
		const end = `SELECT COALESCE(MAX(seq), 0) FROM events`
		if err := h.db.Read.QueryRowContext(ctx, end).Scan(&position); err != nil {
			return -1, fmt.Errorf("find the end of the log: %w", err)
		}
		h.everything() // subscribers may have read before we found the end
		return position, nil
	}
	for {
		n, last, err := h.publish(ctx, position)
		if err != nil {
			return position, err
		}
		position = last
		if n < tailAtOnce {
			return position, nil
		}
	}
}

func (h *Hub) publish(ctx context.Context, position int64) (n int, last int64, err error) {
	last = position
	const read = `
		SELECT seq, account_id, topic, COALESCE(submission_id, ''), COALESCE(studio_id, ''), COALESCE(contact_id, '')
		FROM events WHERE seq > $1 ORDER BY seq LIMIT 500`
	rows, err := h.db.Read.QueryContext(ctx, read, position)
	if err != nil {
		return 0, last, fmt.Errorf("read the log after %d: %w", position, err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var account, topic, submission, studio, contact string
		if err := rows.Scan(&last, &account, &topic, &submission, &studio, &contact); err != nil {
			return n, position, fmt.Errorf("read the log after %d: %w", position, err)
		}
		n++
		h.tell(account, Change{SubmissionID: submission, Topic: Topic(topic), Seq: last}, studio, contact)
	}
	if err := rows.Err(); err != nil {
		return n, position, fmt.Errorf("read the log after %d: %w", position, err)
	}
	return n, last, nil
}

func (h *Hub) tell(account string, c Change, studio, contact string) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	for s := range h.subscribers[account] {
		if s.wants(c.SubmissionID, studio, contact) {
			s.put(c)
		}
	}
}

func (h *Hub) progress(r Ring) {
	if r.SubmissionID != "" {
		h.tell(r.AccountID, Change{SubmissionID: r.SubmissionID}, r.StudioID, r.ContactID)
	}
	if r.Everything {
		h.everything()
	}
}

// everything tells the subscribers of one submission to look, and readers of the log to read on. Others need
// not: the log brings them what they missed, and lost progress is followed by more.
func (h *Hub) everything() {
	h.mu.RLock()
	defer h.mu.RUnlock()
	for _, account := range h.subscribers {
		for s := range account {
			if s.all || s.filter.SubmissionID != "" {
				s.put(Change{SubmissionID: s.filter.SubmissionID})
			}
		}
	}
}
