package dispatch

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"headroom/ent"
	"headroom/ent/webhookendpoint"
	"headroom/internal/tenancy"
)

const (
	targetFresh = 500 * time.Millisecond // how old an endpoint's address and secrets may be when used
	postpone    = 5 * time.Second        // when they cannot be had
)

// target is where an endpoint's deliveries go now.
type target struct {
	url      string
	headers  map[string]string
	secrets  []Secret
	enabled  bool
	failing  bool // failing_since is set
	loadedAt time.Time
}

// verdict says what became of an item.
type verdict int

const (
	attempted verdict = iota // an attempt was made: see result.outcome
	held                     // the endpoint takes nothing now: keep it without a due time
	postponed                // could not be tried: due again soon
	lost                     // the lease ran out before it started: somebody else has it
	cancelled                // the event was erased
)

// result is an item on its way to the record.
type result struct {
	item    *item
	verdict verdict
	outcome Outcome
	custom  map[string]string // the endpoint's own headers, which may be credentials
	failing bool              // failing_since was set before
}

// attemptLoop starts attempts until ctx ends, then waits for those under way: DrainTimeout, after which it ends
// theirs. working is the context they run in.
func (d *Dispatch) attemptLoop(ctx, working context.Context) {
	working, cancel := context.WithCancel(working)
	defer cancel()
	tick := time.NewTicker(slowAfter / 4)
	defer tick.Stop()
	ended := make(chan struct{}, 1)
	for {
		for it, l := d.board.next(d.cfg.Now()); it != nil; it, l = d.board.next(d.cfg.Now()) {
			go func() {
				d.attempt(working, it, l)
				token(ended)
			}()
		}
		select {
		case <-ctx.Done():
			d.drain(ctx, cancel, ended)
			return
		case <-d.board.start:
		case <-tick.C:
			d.board.markSlow(d.cfg.Now())
		}
	}
}

func (d *Dispatch) drain(ctx context.Context, cancel context.CancelFunc, ended <-chan struct{}) {
	patience := time.NewTimer(d.cfg.DrainTimeout)
	defer patience.Stop()
	for d.board.busy() {
		select {
		case <-ended:
		case <-patience.C:
			d.log.WarnContext(ctx, "webhook attempts did not end in time and are broken off", "after", d.cfg.DrainTimeout)
			cancel()
		}
	}
}

// attempt makes one attempt, or finds that there is none to make, and hands the result to the record.
func (d *Dispatch) attempt(ctx context.Context, it *item, l *lane) {
	r := d.try(ctx, it, l)
	d.results <- r // waits while a commit is under way
	d.board.ended(it, d.cfg.Now(), r.verdict == attempted, r.outcome.OK)
}

func (d *Dispatch) try(ctx context.Context, it *item, l *lane) result {
	r := result{item: it}
	if !d.board.leased(it, d.cfg.Now()) { // the process was stopped, or the database away
		r.verdict = lost
		return r
	}
	if it.body == nil {
		r.verdict = cancelled
		return r
	}
	to, err := d.target(ctx, l)
	if err != nil {
		d.log.ErrorContext(ctx, "load webhook endpoint", "endpoint", it.endpointID, "error", err)
		r.verdict = postponed
		return r
	}
	if !to.enabled {
		r.verdict = held
		return r
	}
	r.custom, r.failing = to.headers, to.failing
	started := d.cfg.Now()
	r.outcome = d.sender.Send(ctx, Parcel{
		URL: to.url, Headers: to.headers, EventID: it.eventID, EndpointID: it.endpointID, DeliveryID: it.deliveryID,
		SubjectID: it.subjectID, Topic: it.topic, Attempt: it.attempts + 1, Body: it.body, Secrets: to.secrets,
	})
	if !r.outcome.OK && r.outcome.Status == 0 && ctx.Err() != nil { // broken off by us: not the receiver's fault
		r.verdict = postponed
	}
	if r.outcome.StartedAt.IsZero() {
		r.outcome.StartedAt, r.outcome.Duration = started, d.cfg.Now().Sub(started)
	}
	return r
}

// target gives the lane's target, loaded anew when it is not fresh: a rotated secret or a changed address
// holds for what already waits in memory, too.
func (d *Dispatch) target(ctx context.Context, l *lane) (target, error) {
	l.loading.Lock()
	defer l.loading.Unlock()
	if d.cfg.Now().Sub(l.target.loadedAt) < targetFresh {
		return l.target, nil
	}
	ctx, cancel := context.WithTimeout(tenancy.AsWorker(ctx, l.accountID), 10*time.Second)
	defer cancel()
	endpoint, err := d.client.WebhookEndpoint.Get(ctx, l.endpointID)
	if ent.IsNotFound(err) { // deleted meanwhile
		l.target = target{loadedAt: d.cfg.Now()}
		return l.target, nil
	}
	if err != nil {
		return target{}, fmt.Errorf("load endpoint %s: %w", l.endpointID, err)
	}
	to := target{
		url: endpoint.URL, loadedAt: d.cfg.Now(), failing: endpoint.FailingSince != nil,
		enabled: endpoint.State == webhookendpoint.StateEnabled,
	}
	if len(endpoint.Headers) > 0 {
		if err := json.Unmarshal(endpoint.Headers, &to.headers); err != nil {
			return target{}, fmt.Errorf("headers of endpoint %s: %w", l.endpointID, err)
		}
	}
	if to.enabled {
		if to.secrets, err = d.secrets.Secrets(ctx, l.endpointID); err != nil {
			return target{}, fmt.Errorf("secrets of endpoint %s: %w", l.endpointID, err)
		}
	}
	l.target = to
	return to, nil
}
