package dispatch

import (
	"sync"
	"time"
)

const (
	laneFactor  = 8  // a lane holds this many times what may be sent at a time
	boardFactor = 16 // when all lanes hold this many times Config.InFlight, each takes less
	slowFactor  = 8  // attempts under way, slow ones included, are at most this many times Config.InFlight
	slowAfter   = 500 * time.Millisecond
)

// item is one delivery this node holds the lease of.
type item struct {
	deliveryID, accountID, endpointID string
	eventID, subjectID, topic         string
	attempts                          int // recorded so far
	body                              []byte
	leaseUntil                        time.Time

	started time.Time
	slow    bool // uses one of the places for slow attempts
}

// lane is what this node holds for one endpoint.
type lane struct {
	endpointID, accountID string
	waiting               []*item
	running               int
	failing               bool // the last attempt failed: fewer at a time
	slow                  bool // the last attempt took long: only the places for slow ones
	overflow              bool // more may wait in the table
	queued                bool // is in board.ready

	loading sync.Mutex // held while target is loaded
	target  target
}

// board holds the lanes and decides which attempt is next: endpoints in turn, within the bounds.
type board struct {
	perEndpoint, inFlight int
	start                 chan struct{} // a token: something may be startable
	refill                chan struct{} // a token: a lane has room for what waits in the table

	mu          sync.Mutex
	lanes       map[string]*lane
	ready       []*lane          // lanes with waiting items, in turn
	held        map[string]*item // every delivery leased and not yet recorded
	fast, slow  int              // attempts under way
	underWay    map[*item]*lane
	closed      bool
	waitingSize int
}

func newBoard(perEndpoint, inFlight int) *board {
	return &board{
		perEndpoint: perEndpoint, inFlight: inFlight,
		start: make(chan struct{}, 1), refill: make(chan struct{}, 1),
		lanes: map[string]*lane{}, held: map[string]*item{}, underWay: map[*item]*lane{},
	}
}

func token(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}

// capacity is how many items the lane (nil: none yet) may hold: few when it is slow or when the board is full,
// but always as many as may be sent at a time, or dead endpoints could keep others off the board.
func (b *board) capacity(l *lane) int {
	if b.waitingSize >= boardFactor*b.inFlight || l != nil && (l.slow || l.failing) {
		return b.perEndpoint
	}
	return laneFactor * b.perEndpoint
}

// room says how many more items the endpoint's lane takes.
func (b *board) room(endpointID string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	l := b.lanes[endpointID]
	if l == nil {
		return b.capacity(nil)
	}
	return b.capacity(l) - len(l.waiting) - l.running
}

// full lists the endpoints whose lanes are more than half full.
func (b *board) full() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []string
	for id, l := range b.lanes {
		if len(l.waiting)+l.running > b.capacity(l)/2 {
			out = append(out, id)
		}
	}
	return out
}

// overflowed remembers that deliveries of the endpoint wait in the table.
func (b *board) overflowed(endpointID string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if l := b.lanes[endpointID]; l != nil {
		l.overflow = true
	}
}

// add puts leased deliveries into their lanes. It returns those it does not take, when closed.
func (b *board) add(items []*item) (refused []*item) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, it := range items {
		if b.closed {
			refused = append(refused, it)
			continue
		}
		if old := b.held[it.deliveryID]; old != nil { // our lease ran out and we claimed it again
			old.leaseUntil = it.leaseUntil
			continue
		}
		l := b.lane(it.endpointID, it.accountID)
		b.held[it.deliveryID] = it
		l.waiting = append(l.waiting, it)
		b.waitingSize++
		b.queue(l)
	}
	token(b.start)
	return refused
}

func (b *board) lane(endpointID, accountID string) *lane {
	l := b.lanes[endpointID]
	if l == nil {
		l = &lane{endpointID: endpointID, accountID: accountID}
		b.lanes[endpointID] = l
	}
	return l
}

func (b *board) queue(l *lane) {
	if !l.queued && len(l.waiting) > 0 {
		l.queued = true
		b.ready = append(b.ready, l)
	}
}

// next takes the next startable item, or returns nil.
func (b *board) next(now time.Time) (*item, *lane) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil, nil
	}
	for range len(b.ready) {
		l := b.ready[0]
		b.ready = b.ready[1:]
		l.queued = false
		if !b.mayStart(l) {
			l.queued = true
			b.ready = append(b.ready, l)
			continue
		}
		it := l.waiting[0]
		l.waiting = l.waiting[1:]
		b.waitingSize--
		b.queue(l)
		l.running++
		it.started, it.slow = now, l.slow || l.failing
		if it.slow {
			b.slow++
		} else {
			b.fast++
		}
		b.underWay[it] = l
		return it, l
	}
	return nil, nil
}

func (b *board) mayStart(l *lane) bool {
	switch {
	case l.running >= b.perEndpoint, b.fast+b.slow >= slowFactor*b.inFlight:
		return false
	case l.failing:
		return l.running < max(1, b.perEndpoint/4) && b.slow < max(1, b.inFlight/2)
	case l.slow:
		return b.slow < max(1, b.inFlight/2)
	default:
		return b.fast < b.inFlight
	}
}

// ended frees the item's place; verdict says whether the attempt, if one was made, went well.
func (b *board) ended(it *item, now time.Time, attempted, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	l := b.underWay[it]
	delete(b.underWay, it)
	if it.slow {
		b.slow--
	} else {
		b.fast--
	}
	l.running--
	if attempted {
		l.failing, l.slow = !ok, now.Sub(it.started) >= slowAfter
	}
	if l.overflow && len(l.waiting)+l.running <= b.capacity(l)/2 {
		l.overflow = false
		token(b.refill)
	}
	token(b.start)
}

// forget drops deliveries whose result is recorded, and lanes that hold nothing any more.
func (b *board) forget(items ...*item) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, it := range items {
		delete(b.held, it.deliveryID)
		if l := b.lanes[it.endpointID]; l != nil && len(l.waiting) == 0 && l.running == 0 && !l.failing && !l.slow {
			delete(b.lanes, it.endpointID)
		}
	}
}

// markSlow moves attempts that take long to the places for slow ones, which frees theirs for others. So slow
// ones may become more than their places for a while; none starts until they are fewer.
func (b *board) markSlow(now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for it, l := range b.underWay {
		if !it.slow && now.Sub(it.started) >= slowAfter {
			it.slow, l.slow = true, true
			b.fast--
			b.slow++
		}
	}
	token(b.start)
}

// ageing lists held deliveries whose lease ends before limit.
func (b *board) ageing(limit time.Time) []*item {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []*item
	for _, it := range b.held {
		if it.leaseUntil.Before(limit) {
			out = append(out, it)
		}
	}
	return out
}

// renewed notes new leases. Deliveries not among them run out: somebody else has them.
func (b *board) renewed(ids []string, until time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, id := range ids {
		if it := b.held[id]; it != nil {
			it.leaseUntil = until
		}
	}
}

func (b *board) leased(it *item, now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return now.Before(it.leaseUntil)
}

func (b *board) busy() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.underWay) > 0
}

// close lets nothing more start and returns what has not started.
func (b *board) close() []*item {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	var out []*item
	for _, l := range b.lanes {
		for _, it := range l.waiting {
			delete(b.held, it.deliveryID)
			out = append(out, it)
		}
		l.waiting = nil
	}
	b.ready, b.waitingSize = nil, 0
	return out
}
