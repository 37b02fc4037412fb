package events

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"github.com/lib/pq"
)

const (
	channel = "headroom_bell"
	// NOTIFY takes payloads below 8,000 bytes; a submission is about 140.
	submissionsPerNotice = 50
	pingEvery            = 30 * time.Second
)

// Postgres is the doorbell between nodes. A ring reaches this node's listeners at once, and the others by a
// NOTIFY in a statement of its own: inside the writing transaction NOTIFY takes a lock on the whole
// database at commit, which cut inserts to a fifth. Rings made while one NOTIFY is under way go with the next.
type Postgres struct {
	local  *Local
	db     *sql.DB
	url    string
	node   string // tells this node's notices from the others'
	outbox *mailbox
	log    *slog.Logger
}

// notice is the payload of a NOTIFY.
type notice struct {
	Node        string      `json:"n"`
	Numbered    bool        `json:"e,omitempty"`
	Jobs        bool        `json:"j,omitempty"`
	Deliveries  bool        `json:"d,omitempty"`
	Everything  bool        `json:"a,omitempty"`
	Submissions [][4]string `json:"s,omitempty"` // account, submission, studio, contact
}

// NewPostgres makes a bell that sends over db and listens on a connection of its own to url.
func NewPostgres(db *sql.DB, url string, log *slog.Logger) *Postgres {
	return &Postgres{local: NewLocal(), db: db, url: url, node: rand.Text(), outbox: newMailbox(), log: log}
}

// Ring tells this node's listeners, and the other nodes soon after.
func (p *Postgres) Ring(r Ring) {
	p.local.Ring(r)
	r.Events = false // the sequencer of this node does it
	if r != (Ring{}) {
		p.outbox.put(r)
	}
}

// Listen hears this node's rings and, while Run works, the other nodes'.
func (p *Postgres) Listen(ctx context.Context) <-chan Ring { return p.local.Listen(ctx) }

// Run sends and listens until ctx ends. A lost connection is made again; its listeners then look at everything.
func (p *Postgres) Run(ctx context.Context) error {
	listener := pq.NewListener(p.url, 100*time.Millisecond, 10*time.Second, func(event pq.ListenerEventType, err error) {
		if err != nil && ctx.Err() == nil {
			p.log.WarnContext(ctx, "doorbell connection", "event", int(event), "error", err)
		}
	})
	defer func() { _ = listener.Close() }()
	listening := make(chan error, 1)
	go func() { listening <- listener.Listen(channel) }() // blocks until connected
	done := make(chan struct{})
	go func() {
		defer close(done)
		p.send(ctx)
	}()
	defer func() { <-done }()
	ping := time.NewTicker(pingEvery)
	defer ping.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-listening:
			if err != nil {
				return fmt.Errorf("listen for the doorbell: %w", err)
			}
			listening = nil
			p.local.Ring(Ring{Everything: true}) // what rang before we could hear
		case n := <-listener.Notify:
			p.hear(ctx, n)
		case <-ping.C:
			go func() { _ = listener.Ping() }() // an error makes the listener connect again
		}
	}
}

func (p *Postgres) hear(ctx context.Context, n *pq.Notification) {
	if n == nil { // the connection was lost and made again
		p.local.Ring(Ring{Everything: true})
		return
	}
	var in notice
	if err := json.Unmarshal([]byte(n.Extra), &in); err != nil {
		p.log.WarnContext(ctx, "doorbell: unreadable notice", "error", err)
		return
	}
	if in.Node == p.node {
		return
	}
	if flags := (Ring{Numbered: in.Numbered, Jobs: in.Jobs, Deliveries: in.Deliveries, Everything: in.Everything}); flags != (Ring{}) {
		p.local.Ring(flags)
	}
	for _, s := range in.Submissions {
		p.local.Ring(Ring{AccountID: s[0], SubmissionID: s[1], StudioID: s[2], ContactID: s[3]})
	}
}

func (p *Postgres) send(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-p.outbox.wake:
		}
		for {
			n, ok := p.collect()
			if !ok {
				break
			}
			payload, err := json.Marshal(n)
			if err == nil {
				_, err = p.db.ExecContext(ctx, `SELECT pg_notify($1, $2)`, channel, string(payload))
			}
			if err != nil && ctx.Err() == nil {
				p.log.WarnContext(ctx, "doorbell: ring other nodes", "error", err) // they poll
			}
		}
	}
}

// collect melts what waits in the outbox into one notice.
func (p *Postgres) collect() (notice, bool) {
	out := notice{Node: p.node}
	took := false
	for len(out.Submissions) < submissionsPerNotice {
		r, ok := p.outbox.take()
		if !ok {
			break
		}
		took = true
		out.Numbered = out.Numbered || r.Numbered
		out.Jobs = out.Jobs || r.Jobs
		out.Deliveries = out.Deliveries || r.Deliveries
		out.Everything = out.Everything || r.Everything
		if r.SubmissionID != "" {
			out.Submissions = append(out.Submissions, [4]string{r.AccountID, r.SubmissionID, r.StudioID, r.ContactID})
		}
	}
	return out, took
}
