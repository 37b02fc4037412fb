package headshot_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"syscall"
	"testing"
	"time"

	"headroom/ent/apikey"
	"headroom/ent/contact"
	"headroom/ent/submission"
	"headroom/internal/auth"
	"headroom/internal/database"
	"headroom/internal/database/dbtest"
	"headroom/internal/headshot"
	"headroom/internal/tenancy"
)

func TestNamesAreCountedInCharacters(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := newStage(t, db)
		name := strings.Repeat("山", 200) // 600 bytes
		if _, err := s.CreateContact(s.ctx, headshot.ContactInput{FirstName: name, LastName: name, Email: "a@example.com"}); err != nil {
			t.Errorf("contact: %v", err)
		}
		if _, err := s.CreateList(s.ctx, headshot.ListInput{Name: name}); err != nil {
			t.Errorf("list: %v", err)
		}
		if _, err := s.CreateStudio(s.ctx, headshot.StudioInput{Name: name}); err != nil {
			t.Errorf("studio: %v", err)
		}
		if _, _, err := s.CreateKey(s.ctx, headshot.KeyInput{Name: name, Scopes: []string{"admin"}}); err != nil {
			t.Errorf("key: %v", err)
		}
		made, err := s.CreateAccount(t.Context(), headshot.AccountInput{Name: name})
		if err != nil {
			t.Fatalf("account: %v", err)
		}
		if !strings.HasSuffix(made.Twin.Name, " (test)") {
			t.Errorf("the twin is called %s", made.Twin.Name)
		}
	})
}

func TestExternalIDGoesBeforeEmail(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := newStage(t, db)
		number := "e-1"
		byEmail := s.contact("ada@example.com")
		byNumber, err := s.CreateContact(s.ctx, headshot.ContactInput{FirstName: "Ada", Email: "old@example.com", ExternalID: &number})
		if err != nil {
			t.Fatal(err)
		}
		inline := headshot.ContactInput{FirstName: "Ada", Email: "new@example.com", ExternalID: &number}
		ses, err := s.CreateSession(s.ctx, headshot.SessionInput{StudioID: s.account.Studio.ID, Contact: &inline})
		if err != nil || ses.ContactID != byNumber.ID {
			t.Fatalf("the number gave %v, %v", ses, err)
		}
		inline.Email = byEmail.Email // the number's, and that address is another's
		_, err = s.CreateSession(s.ctx, headshot.SessionInput{StudioID: s.account.Studio.ID, Contact: &inline})
		wantKind(t, err, headshot.Conflict, "contact.email")
		if n := db.Client().Contact.Query().Where(contact.ExternalIDNotNil()).CountX(s.ctx); n != 1 {
			t.Errorf("%d contacts have a number", n)
		}
	})
}

func TestLargeNumbersSurviveAMerge(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := newStage(t, db)
		c, err := s.CreateContact(s.ctx, headshot.ContactInput{FirstName: "A", Email: "a@example.com", CustomAttributes: json.RawMessage(`{"badge":9007199254740993}`)})
		if err != nil {
			t.Fatal(err)
		}
		c, err = s.UpdateContact(s.ctx, c.ID, headshot.ContactPatch{CustomAttributes: headshot.To(json.RawMessage(`{"desk":7}`))}, nil)
		if err != nil || !strings.Contains(string(c.CustomAttributes), "9007199254740993") {
			t.Fatalf("attributes %s %v", c.CustomAttributes, err)
		}
	})
}

func TestInputsAreBounded(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := newStage(t, db)
		ids := strings.Split(strings.Repeat("x ", 70_000), " ")
		for i := range ids {
			ids[i] = "lst_" + strings.Repeat("x", 1+i%7) + string(rune('a'+i%26)) + time.Duration(i).String()
		}
		_, err := s.CreateContact(s.ctx, headshot.ContactInput{FirstName: "A", Email: "a@example.com", ListIDs: ids})
		wantKind(t, err, headshot.ValidationFailed, "listIds")
		_, err = s.CreateContact(s.ctx, headshot.ContactInput{FirstName: "A", Email: "a@example.com", StudioIDs: ids})
		wantKind(t, err, headshot.ValidationFailed, "studioIds")
		_, _, err = s.CreateEndpoint(s.ctx, headshot.EndpointInput{URL: "https://hooks.example.com/in", Topics: ids})
		wantKind(t, err, headshot.ValidationFailed, "topics")
		var e *headshot.Error
		if errors.As(err, &e); len(e.More) > 100 {
			t.Errorf("%d faults are told", 1+len(e.More))
		}
		long := strings.Repeat("x", 10_001)
		_, err = s.CreateStudio(s.ctx, headshot.StudioInput{Name: "S", ConsentText: &long})
		wantKind(t, err, headshot.ValidationFailed, "consentText")
	})
}

func TestProgressDoesNotTurnTheClockBack(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := newStage(t, db)
		sub := s.submit("ada@example.com")
		var accepted time.Time
		s.onGet = func() { // after the worker has read the submission
			row, err := s.Accept(s.ctx, headshot.ReviewInput{ID: sub.ID})
			if err != nil {
				t.Error(err)
				return
			}
			accepted = row.UpdatedAt
		}
		s.answer = func([]byte) (*headshot.Enhanced, error) {
			got := s.reload(sub.ID)
			if !got.UpdatedAt.Equal(accepted) || got.Progress != 0.5 {
				t.Errorf("progress %v made updated_at %s of %s", got.Progress, got.UpdatedAt, accepted)
			}
			return finished(1), nil
		}
		s.process()
	})
}

func TestOnlyTheEnhancersFaultsFailAPhoto(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := newStage(t, db)
		sub := s.submit("ada@example.com")
		rev := s.queued[0]
		last := func(ctx context.Context) error { return s.Service.Enhance(ctx, s.account.Account.ID, rev, true) }

		s.outage = errors.New("the store is away")
		if err := last(t.Context()); err == nil {
			t.Error("a store that is away must ask for another try")
		}
		s.outage = nil
		stopped, stop := context.WithCancel(t.Context())
		s.answer = func([]byte) (*headshot.Enhanced, error) { stop(); return nil, context.Canceled }
		if err := last(stopped); err == nil {
			t.Error("a server that stops must ask for another try")
		}
		if got := s.reload(sub.ID).ProcessingState; got != submission.ProcessingStateProcessing {
			t.Fatalf("it is %s", got)
		}
		late, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		s.answer = func([]byte) (*headshot.Enhanced, error) { <-late.Done(); return nil, late.Err() }
		if err := last(late); err != nil {
			t.Errorf("the last try ran out of time: %v", err)
		}
		if got := s.reload(sub.ID).ProcessingState; got != submission.ProcessingStateFailed {
			t.Fatalf("it is %s", got)
		}
	})
}

func TestPhotoThatIsGoneFailsAtLast(t *testing.T) {
	t.Parallel()
	s := newStage(t, dbtest.SQLite(t))
	sub := s.submit("ada@example.com")
	clear(s.blobs)
	if err := s.Service.Enhance(t.Context(), s.account.Account.ID, s.queued[0], false); err == nil {
		t.Error("the first time it must ask for another try")
	}
	if err := s.Service.Enhance(t.Context(), s.account.Account.ID, s.queued[0], true); err != nil {
		t.Error(err)
	}
	if got := s.reload(sub.ID).ProcessingState; got != submission.ProcessingStateFailed {
		t.Fatalf("it is %s", got)
	}
}

func TestStoreFaultsSayWhichKind(t *testing.T) {
	t.Parallel()
	s := newStage(t, dbtest.SQLite(t))
	c := s.contact("ada@example.com")
	for _, fault := range []struct {
		err  error
		kind headshot.Kind
	}{{syscall.ENOSPC, headshot.StorageFull}, {errors.New("SlowDown: 503"), headshot.Unavailable}} {
		s.outage = fault.err
		_, err := s.Submit(s.ctx, headshot.SubmitInput{StudioID: s.account.Studio.ID, ContactID: c.ID, Photo: []byte("photo")})
		wantKind(t, err, fault.kind, "")
	}
	if n := db(s).Submission.Query().CountX(s.ctx); n != 0 {
		t.Errorf("%d submissions", n)
	}
}

func TestFailedReprocessDoesNotReopenTheLink(t *testing.T) {
	t.Parallel()
	s := newStage(t, dbtest.SQLite(t))
	person := tenancy.With(t.Context(), auth.CaptureActor(s.session("ada@example.com")))
	fail := func([]byte) (*headshot.Enhanced, error) { return nil, &headshot.PhotoFailure{Code: "NO_FACE"} }
	good := s.answer
	s.answer = fail
	if _, err := s.Submit(person, headshot.SubmitInput{Photo: []byte("photo 1"), Consent: true}); err != nil {
		t.Fatal(err)
	}
	s.process()
	s.answer = good
	sub, err := s.Submit(person, headshot.SubmitInput{Photo: []byte("photo 2")})
	if err != nil {
		t.Fatalf("after a photo that failed: %v", err)
	}
	s.process()
	if _, err := s.Reprocess(s.ctx, headshot.ReprocessFilter{IDs: []string{sub.ID}}, false); err != nil {
		t.Fatal(err)
	}
	s.answer = fail
	s.process()
	_, err = s.Submit(person, headshot.SubmitInput{Photo: []byte("photo 3")})
	wantKind(t, err, headshot.FailedPrecondition, "")
}

func TestTestKeyIsRevokedFromTheLiveAccount(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := newStage(t, db)
		a := auth.New(db.Client(), s.Log, s.Now)
		row, secret, err := s.CreateKey(s.ctx, headshot.KeyInput{Name: "t", Scopes: []string{"contacts:read"}, Test: true})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.RevokeKey(s.ctx, row.ID); err != nil {
			t.Fatal(err)
		}
		if _, err := a.Header(t.Context(), "Bearer "+secret); err == nil {
			t.Error("it still works")
		}
		if n := db.Client().AuditEntry.Query().CountX(s.ctx); n != 3 { // account.create, api_key.create, api_key.revoke
			t.Errorf("%d audit entries", n)
		}
		other, err := s.CreateAccount(t.Context(), headshot.AccountInput{Name: "Other"})
		if err != nil {
			t.Fatal(err)
		}
		theirs := tenancy.AsWorker(t.Context(), other.Account.ID)
		foreign := db.Client().APIKey.Query().Where(apikey.RevokedAtIsNil()).OnlyX(theirs)
		_, err = s.RevokeKey(s.ctx, foreign.ID)
		wantKind(t, err, headshot.NotFound, "")
	})
}

func TestTimesAreWholeMilliseconds(t *testing.T) {
	t.Parallel()
	s := newStage(t, dbtest.SQLite(t))
	sub := s.submit("ada@example.com")
	s.process()
	if at := *s.reload(sub.ID).CompletedAt; !at.Equal(at.Truncate(time.Millisecond)) { // cursors would pass over its neighbours
		t.Errorf("completed at %s", at)
	}
}

func TestClearedSwitchesGoBackToTheDefault(t *testing.T) {
	t.Parallel()
	s := newStage(t, dbtest.SQLite(t))
	null := headshot.Field[bool]{Set: true, Null: true}
	st, err := s.UpdateStudio(s.ctx, s.account.Studio.ID, headshot.StudioPatch{AutoAccept: null, ForbidManyFaces: null}, nil)
	if err != nil || !st.AutoAccept || st.ForbidManyFaces {
		t.Errorf("auto-accept %v, forbid many %v, %v", st.AutoAccept, st.ForbidManyFaces, err)
	}
}

func TestLogInWithBytesThatAreNoTextIsRefused(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := newStage(t, db)
		for _, bad := range []string{"a\x00b", "a\xffb"} {
			if _, err := auth.New(db.Client(), s.Log, s.Now).LogIn(t.Context(), bad, "password of nobody"); !errors.Is(err, auth.ErrInvalid) {
				t.Errorf("log-in: %v", err)
			}
		}
	})
}
