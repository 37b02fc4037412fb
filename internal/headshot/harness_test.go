package headshot_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"sync"
	"testing"
	"time"

	"headroom/ent"
	"headroom/internal/auth"
	"headroom/internal/database"
	"headroom/internal/dispatch"
	"headroom/internal/events"
	"headroom/internal/headshot"
	"headroom/internal/tenancy"
)

// stage is a Service over a real database, with the slow and native parts at its interfaces under
// the test's control: what the enhancer answers, what is in the store, which jobs were queued.
type stage struct {
	*headshot.Service
	t       *testing.T
	db      *database.DB
	account headshot.AccountCreated
	ctx     context.Context // an admin key of the account

	mu     sync.Mutex
	now    time.Time
	blobs  map[string][]byte
	queued []string // revision ids
	rings  []events.Ring
	answer func(photo []byte) (*headshot.Enhanced, error)
	onPut  func() // called by Put first
	onGet  func() // called by Get first
	outage error  // what Put and Get fail with
}

func newStage(t *testing.T, db *database.DB) *stage {
	t.Helper()
	s := emptyStage(t, db)
	var err error
	s.account, err = s.CreateAccount(t.Context(), headshot.AccountInput{Name: "Acme", Email: "Owner@Acme.example", Password: "correct horse battery"})
	if err != nil {
		t.Fatal(err)
	}
	s.ctx = tenancy.With(t.Context(), tenancy.Actor{
		Kind: tenancy.Key, ID: "key_test", AccountID: s.account.Account.ID, Scopes: []string{"admin"},
	})
	return s
}

// emptyStage is a stage whose database has no account yet.
func emptyStage(t *testing.T, db *database.DB) *stage {
	t.Helper()
	secret, err := auth.NewSecretKey()
	if err != nil {
		t.Fatal(err)
	}
	keys, err := auth.ParseKeys(secret)
	if err != nil {
		t.Fatal(err)
	}
	s := &stage{t: t, db: db, blobs: map[string][]byte{}, now: time.Now().UTC().Truncate(time.Millisecond)}
	s.answer = func([]byte) (*headshot.Enhanced, error) { return finished(0.9), nil }
	s.Service = headshot.New(headshot.Config{
		Client: db.Client(), Blobs: s, Queue: queue{s}, Bell: s, Enhancer: s, Admit: admit, Keys: keys,
		CheckLook: func(look json.RawMessage) error {
			if !json.Valid(look) {
				return errors.New("not JSON")
			}
			return nil
		},
		CheckURL: func(_ context.Context, raw string) error {
			if raw != "https://hooks.example.com/in" {
				return errors.New("refused by the guard")
			}
			return nil
		},
		Deliveries: dispatch.Deliveries{},
		BaseURL:    func() string { return "https://headroom.example.com" },
		Now:        s.clock, Log: slog.New(slog.DiscardHandler),
	})
	return s
}

func (s *stage) clock() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = s.now.Add(time.Millisecond + 345*time.Microsecond)
	return s.now
}

func (s *stage) Put(_ context.Context, key, _ string, data []byte) error {
	if s.onPut != nil {
		s.onPut()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.outage != nil {
		return s.outage
	}
	s.blobs[key] = data
	return nil
}

func (s *stage) Get(_ context.Context, key string) ([]byte, error) {
	if s.onGet != nil {
		s.onGet()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.outage != nil {
		return nil, s.outage
	}
	b, ok := s.blobs[key]
	if !ok {
		return nil, fmt.Errorf("no blob %s: %w", key, fs.ErrNotExist)
	}
	return b, nil
}

func (s *stage) SignedURL(_ context.Context, key, _, _ string, ttl time.Duration) (string, time.Time, error) {
	return "https://store.example.com/" + key, s.clock().Add(ttl), nil
}

func (s *stage) stored() map[string][]byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.blobs)
}

// enqueue stands in for the job queue, whose own tests prove that it inserts in the transaction.
func (s *stage) enqueue(revisionID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.queued = append(s.queued, revisionID)
}

func (s *stage) Ring(r events.Ring) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rings = append(s.rings, r)
}

// queue is a type of its own because Queue and Enhancer both have a method Enhance.
type queue struct{ s *stage }

func (q queue) Enhance(_ context.Context, _ *ent.Tx, revisionID, _ string) error {
	q.s.enqueue(revisionID)
	return nil
}

func (s *stage) Enhance(_ context.Context, photo []byte, _ headshot.EnhanceOptions, progress func(string, float64)) (*headshot.Enhanced, error) {
	progress("matte", 0.5)
	return s.answer(photo)
}

func finished(score float64) *headshot.Enhanced {
	return &headshot.Enhanced{
		Score: score, Profile: "standard", Quality: json.RawMessage(`{"score":0.9,"checks":[]}`), Warnings: json.RawMessage(`[]`),
		Steps: json.RawMessage(`{}`), Models: json.RawMessage(`{}`),
		Pictures: []headshot.Picture{
			{Kind: "HEADSHOT", Name: "headshot", ContentType: "image/jpeg", Width: 1600, Height: 2000, Data: []byte("headshot")},
			{Kind: "RENDITION", Name: "256", ContentType: "image/jpeg", Width: 256, Height: 256, Data: []byte("small")},
		},
	}
}

// admit takes everything that begins with "photo": real admission is tested where it lives.
func admit(photo []byte) (headshot.Photo, error) {
	if len(photo) < 5 || string(photo[:5]) != "photo" {
		return headshot.Photo{}, headshot.Fail(headshot.UnsupportedMediaType, "not a photo")
	}
	return headshot.Photo{ContentType: "image/jpeg", Width: 1024, Height: 1280}, nil
}

func (s *stage) contact(email string) *ent.Contact {
	s.t.Helper()
	c, err := s.CreateContact(s.ctx, headshot.ContactInput{FirstName: "Ada", LastName: "Lovelace", Email: email})
	if err != nil {
		s.t.Fatal(err)
	}
	return c
}

func (s *stage) session(email string) *ent.StudioSession {
	s.t.Helper()
	row, err := s.CreateSession(s.ctx, headshot.SessionInput{StudioID: s.account.Studio.ID, Contact: &headshot.ContactInput{FirstName: "Ada", Email: email}})
	if err != nil {
		s.t.Fatal(err)
	}
	return row
}

func (s *stage) submit(email string) *ent.Submission {
	s.t.Helper()
	sub, err := s.Submit(s.ctx, headshot.SubmitInput{StudioID: s.account.Studio.ID, ContactID: s.contact(email).ID, Photo: []byte("photo of " + email)})
	if err != nil {
		s.t.Fatal(err)
	}
	return sub
}

// process works off what is queued.
func (s *stage) process() {
	s.t.Helper()
	for _, id := range s.queued {
		if err := s.Service.Enhance(s.t.Context(), s.account.Account.ID, id, false); err != nil {
			s.t.Fatal(err)
		}
	}
	s.queued = nil
}

func (s *stage) reload(id string) *ent.Submission {
	s.t.Helper()
	row, err := s.db.Client().Submission.Get(s.ctx, id)
	if err != nil {
		s.t.Fatal(err)
	}
	return row
}

// topics lists the topics of the account's events in the order they were written.
func (s *stage) topics() []string {
	s.t.Helper()
	rows, err := s.db.Client().Event.Query().Order(ent.Asc("id")).All(s.ctx)
	if err != nil {
		s.t.Fatal(err)
	}
	out := make([]string, len(rows))
	for i, r := range rows {
		out[i] = r.Topic
	}
	return out
}

func wantKind(t *testing.T, err error, kind headshot.Kind, field string) {
	t.Helper()
	e, ok := errors.AsType[*headshot.Error](err)
	if !ok || e.Kind != kind || e.Field != field {
		t.Fatalf("got error %v, want kind %s of field %q", err, kind, field)
	}
}

// together runs f n times at once and returns what the runs gave.
func together(n int, f func(i int) error) []error {
	errs := make([]error, n)
	var wg sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		wg.Go(func() {
			<-start
			errs[i] = f(i)
		})
	}
	close(start)
	wg.Wait()
	return errs
}

// wantOne fails unless exactly one run succeeded and every other failed with kind.
func wantOne(t *testing.T, errs []error, kind headshot.Kind) {
	t.Helper()
	won := 0
	for _, err := range errs {
		switch {
		case err == nil:
			won++
		case headshot.KindOf(err) != kind:
			t.Errorf("a loser got %v, want %s", err, kind)
		}
	}
	if won != 1 {
		t.Errorf("%d of %d succeeded, want 1", won, len(errs))
	}
}

func wantAll(t *testing.T, errs []error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Error(err)
		}
	}
}
