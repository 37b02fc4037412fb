package events

import (
	"context"
	"sync"
)

// Ring tells the parts that wait that something was committed. It carries no data: who hears it looks.
type Ring struct {
	Events     bool // event rows without a position; stays on this node, whose sequencer numbers them
	Numbered   bool // events have got their position
	Jobs       bool // jobs for River
	Deliveries bool // deliveries that are due now
	Everything bool // rings may have been lost: look at everything

	// A submission's state or progress changed. Studio and contact are optional; they spare subscribers
	// with such a filter a look at the row.
	AccountID, SubmissionID, StudioID, ContactID string
}

// Bell is the doorbell. Ring returns at once and is called after the commit. Listen's channel gets each ring,
// those that came while its reader was busy melted together; it is closed when ctx ends.
type Bell interface {
	Ring(r Ring)
	Listen(ctx context.Context) <-chan Ring
}

// maxPending bounds what is kept for one listener: beyond it, single submissions melt into Everything.
const maxPending = 4096

// pending melts rings together: one set of flags, each submission once.
type pending struct {
	flags       Ring
	submissions map[string]Ring
	order       []string // submissions in the order they first rang
}

func (p *pending) add(r Ring) {
	p.flags.Events = p.flags.Events || r.Events
	p.flags.Numbered = p.flags.Numbered || r.Numbered
	p.flags.Jobs = p.flags.Jobs || r.Jobs
	p.flags.Deliveries = p.flags.Deliveries || r.Deliveries
	p.flags.Everything = p.flags.Everything || r.Everything
	if r.SubmissionID == "" {
		return
	}
	if len(p.submissions) >= maxPending {
		p.submissions, p.order, p.flags.Everything = nil, nil, true
		return
	}
	if _, known := p.submissions[r.SubmissionID]; !known {
		if p.submissions == nil {
			p.submissions = map[string]Ring{}
		}
		p.order = append(p.order, r.SubmissionID)
	}
	p.submissions[r.SubmissionID] = Ring{
		AccountID: r.AccountID, SubmissionID: r.SubmissionID, StudioID: r.StudioID, ContactID: r.ContactID,
	}
}

func (p *pending) empty() bool { return p.flags == (Ring{}) && len(p.order) == 0 }

// next takes out one ring: a submission with the flags, or the flags alone.
func (p *pending) next() Ring {
	out := p.flags
	p.flags = Ring{}
	if len(p.order) == 0 {
		return out
	}
	s := p.submissions[p.order[0]]
	delete(p.submissions, p.order[0])
	p.order = p.order[1:]
	out.AccountID, out.SubmissionID, out.StudioID, out.ContactID = s.AccountID, s.SubmissionID, s.StudioID, s.ContactID
	return out
}

// mailbox holds what a reader has not taken yet; putting never blocks.
type mailbox struct {
	mu      sync.Mutex
	pending pending
	wake    chan struct{} // holds one token while there is something to take
}

func newMailbox() *mailbox { return &mailbox{wake: make(chan struct{}, 1)} }

func (m *mailbox) put(r Ring) {
	m.mu.Lock()
	m.pending.add(r)
	m.mu.Unlock()
	select {
	case m.wake <- struct{}{}:
	default:
	}
}

func (m *mailbox) take() (Ring, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.pending.empty() {
		return Ring{}, false
	}
	return m.pending.next(), true
}

// Local is the doorbell within this process. It is the whole bell on SQLite, where one process serves.
type Local struct {
	mu        sync.RWMutex
	listeners map[*mailbox]struct{}
}

// NewLocal makes a bell without listeners.
func NewLocal() *Local { return &Local{listeners: map[*mailbox]struct{}{}} }

// Ring tells every listener.
func (l *Local) Ring(r Ring) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	for m := range l.listeners {
		m.put(r)
	}
}

// Listen registers before it returns, so a ring after Listen is heard.
func (l *Local) Listen(ctx context.Context) <-chan Ring {
	m := newMailbox()
	l.mu.Lock()
	l.listeners[m] = struct{}{}
	l.mu.Unlock()
	out := make(chan Ring)
	go func() {
		defer close(out)
		defer func() {
			l.mu.Lock()
			delete(l.listeners, m)
			l.mu.Unlock()
		}()
		for {
			select {
			case <-ctx.Done():
				return
			case <-m.wake:
			}
			for r, ok := m.take(); ok; r, ok = m.take() {
				select {
				case <-ctx.Done():
					return
				case out <- r:
				}
			}
		}
	}()
	return out
}
