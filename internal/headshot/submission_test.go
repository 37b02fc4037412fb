package headshot_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"headroom/ent/revision"
	"headroom/ent/studiosession"
	"headroom/ent/submission"
	"headroom/internal/auth"
	"headroom/internal/database"
	"headroom/internal/database/dbtest"
	"headroom/internal/headshot"
	"headroom/internal/tenancy"
)

func TestSubmissionBecomesCompleteByItself(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := newStage(t, db)
		sub := s.submit("ada@example.com")
		if sub.ProcessingState != submission.ProcessingStateQueued || sub.State != submission.StatePending || sub.Complete {
			t.Fatalf("after upload: %s %s complete=%v", sub.ProcessingState, sub.State, sub.Complete)
		}
		s.process()
		sub = s.reload(sub.ID)
		if sub.ProcessingState != submission.ProcessingStateComplete || sub.State != submission.StateAccepted || !sub.Complete || sub.CompletedAt == nil || sub.Progress != 1 {
			t.Fatalf("after processing: %s %s complete=%v at %v progress %v", sub.ProcessingState, sub.State, sub.Complete, sub.CompletedAt, sub.Progress)
		}
		images := sub.QueryImages().AllX(s.ctx)
		if shown := headshot.ShownImages(sub, images); len(shown) != 3 {
			t.Fatalf("%d images shown, want original, headshot, rendition", len(shown))
		}
		for _, img := range images {
			if _, ok := s.stored()[img.BlobKey]; !ok {
				t.Errorf("the bytes of %s are not stored", img.Kind)
			}
		}
		want := []string{"CONTACT_CREATED", "SUBMISSION_CREATED", "SUBMISSION_ACCEPTED", "SUBMISSION_COMPLETE"}
		if got := s.topics(); !slices.Equal(got, want) {
			t.Fatalf("events %v, want %v", got, want)
		}
	})
}

func TestRevisionWorkedTwiceHasOneHeadshot(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := newStage(t, db)
		sub := s.submit("ada@example.com")
		again := slices.Clone(s.queued)
		s.process()
		s.queued = again
		s.process()
		if n := s.reload(sub.ID).QueryImages().CountX(s.ctx); n != 3 {
			t.Fatalf("%d images, want 3", n)
		}
		if n := slices.Index(s.topics(), "SUBMISSION_COMPLETE"); n != len(s.topics())-1 {
			t.Fatalf("SUBMISSION_COMPLETE was raised twice: %v", s.topics())
		}
	})
}

func TestFaultOfThePhotoFailsTheSubmission(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := newStage(t, db)
		s.answer = func([]byte) (*headshot.Enhanced, error) {
			return nil, &headshot.PhotoFailure{Code: "NO_FACE", Message: "no face"}
		}
		sub := s.submit("ada@example.com")
		s.process()
		sub = s.reload(sub.ID)
		if sub.ProcessingState != submission.ProcessingStateFailed || sub.FailureCode == nil || *sub.FailureCode != "NO_FACE" || sub.Complete {
			t.Fatalf("got %s %v", sub.ProcessingState, sub.FailureCode)
		}
		if got := s.topics(); got[len(got)-1] != "SUBMISSION_FAILED" {
			t.Fatalf("events %v", got)
		}
	})
}

func TestFaultOfTheEnhancerIsTriedAgainThenFails(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := newStage(t, db)
		s.answer = func([]byte) (*headshot.Enhanced, error) { return nil, errors.New("crashed") }
		sub := s.submit("ada@example.com")
		rev := s.queued[0]
		if err := s.Service.Enhance(t.Context(), s.account.Account.ID, rev, false); err == nil {
			t.Fatal("a crash must ask for another try")
		}
		if got := s.reload(sub.ID).ProcessingState; got != submission.ProcessingStateProcessing {
			t.Fatalf("between tries it is %s", got)
		}
		if err := s.Service.Enhance(t.Context(), s.account.Account.ID, rev, true); err != nil {
			t.Fatal(err)
		}
		if got := s.reload(sub.ID); got.ProcessingState != submission.ProcessingStateFailed || *got.FailureCode != "INTERNAL" {
			t.Fatalf("after the last try it is %s %v", got.ProcessingState, got.FailureCode)
		}
		if n := db.Client().Revision.Query().Where(revision.ID(rev)).OnlyX(s.ctx).Attempts; n != 2 {
			t.Fatalf("%d attempts counted", n)
		}
	})
}

func TestRefusedPhotoStoresNothing(t *testing.T) {
	t.Parallel()
	s := newStage(t, dbtest.SQLite(t))
	c := s.contact("ada@example.com")
	_, err := s.Submit(s.ctx, headshot.SubmitInput{StudioID: s.account.Studio.ID, ContactID: c.ID, Photo: []byte("<svg/>")})
	wantKind(t, err, headshot.UnsupportedMediaType, "")
	_, err = s.Submit(s.ctx, headshot.SubmitInput{StudioID: s.account.Studio.ID, ContactID: "ctn_unknown", Photo: []byte("photo")})
	wantKind(t, err, headshot.ValidationFailed, "contactId")
	_, err = s.Submit(s.ctx, headshot.SubmitInput{StudioID: "stu_unknown", ContactID: c.ID, Photo: []byte("photo")})
	wantKind(t, err, headshot.ValidationFailed, "studioId")
	if n := len(s.stored()); n != 0 {
		t.Fatalf("%d blobs stored", n)
	}
	if n := db(s).Submission.Query().CountX(s.ctx); n != 0 {
		t.Fatalf("%d submissions stored", n)
	}
}

func TestReviewFollowsTheStates(t *testing.T) {
	t.Parallel()
	s := newStage(t, dbtest.SQLite(t))
	manual := false
	studio, err := s.CreateStudio(s.ctx, headshot.StudioInput{Name: "By hand", AutoAccept: &manual})
	if err != nil {
		t.Fatal(err)
	}
	sub, err := s.Submit(s.ctx, headshot.SubmitInput{StudioID: studio.ID, ContactID: s.contact("a@example.com").ID, Photo: []byte("photo")})
	if err != nil {
		t.Fatal(err)
	}
	s.process()
	if got := s.reload(sub.ID); got.State != submission.StatePending || got.Complete {
		t.Fatalf("without auto-accept it is %s", got.State)
	}
	if got, err := s.Accept(s.ctx, headshot.ReviewInput{ID: sub.ID}); err != nil || !got.Complete {
		t.Fatalf("accept: %v", err)
	}
	if got, err := s.Reject(s.ctx, headshot.ReviewInput{ID: sub.ID, Reasons: []string{"blurred"}}); err != nil || got.Complete || got.CompletedAt != nil {
		t.Fatalf("reject: %v", err)
	}
	_, err = s.RequestRetake(s.ctx, headshot.ReviewInput{ID: sub.ID})
	wantKind(t, err, headshot.FailedPrecondition, "")
	_, err = s.Accept(s.ctx, headshot.ReviewInput{ID: "sub_unknown"})
	wantKind(t, err, headshot.NotFound, "")
	stale := 1
	_, err = s.Accept(s.ctx, headshot.ReviewInput{ID: sub.ID, IfVersion: &stale})
	wantKind(t, err, headshot.VersionMismatch, "")
}

func TestReprocessKeepsTheHeadshotUntilTheNewOneIsThere(t *testing.T) {
	t.Parallel()
	s := newStage(t, dbtest.SQLite(t))
	sub := s.submit("ada@example.com")
	s.process()
	first := *s.reload(sub.ID).CompleteRevisionID
	if _, err := s.Reprocess(s.ctx, headshot.ReprocessFilter{IDs: []string{sub.ID}}, false); err != nil {
		t.Fatal(err)
	}
	_, err := s.Reprocess(s.ctx, headshot.ReprocessFilter{IDs: []string{sub.ID}}, false)
	wantKind(t, err, headshot.FailedPrecondition, "")
	mid := s.reload(sub.ID)
	if mid.ProcessingState != submission.ProcessingStateQueued || !mid.Complete || *mid.CompleteRevisionID != first {
		t.Fatalf("meanwhile: %s complete=%v", mid.ProcessingState, mid.Complete)
	}
	before := len(s.topics())
	s.process()
	if after := s.reload(sub.ID); *after.CompleteRevisionID == first || !after.Complete {
		t.Fatal("the new revision is not shown")
	}
	if got := s.topics()[before:]; len(got) != 0 {
		t.Fatalf("events without notify: %v", got)
	}
	if _, err := s.Reprocess(s.ctx, headshot.ReprocessFilter{StudioID: s.account.Studio.ID}, true); err != nil {
		t.Fatal(err)
	}
	s.process()
	if got := s.topics()[before:]; !slices.Equal(got, []string{"SUBMISSION_COMPLETE"}) {
		t.Fatalf("events with notify: %v", got)
	}
}

func TestCaptureLinkTakesOnePhotoAndThenRetakes(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := newStage(t, db)
		ses := s.session("ada@example.com")
		person := tenancy.With(t.Context(), auth.CaptureActor(ses))
		if got, err := s.OpenSession(person); err != nil || got.State != studiosession.StateOpened {
			t.Fatalf("open: %v", err)
		}
		_, err := s.Submit(person, headshot.SubmitInput{Photo: []byte("photo")})
		wantKind(t, err, headshot.FailedPrecondition, "consent")
		sub, err := s.Submit(person, headshot.SubmitInput{Photo: []byte("photo"), Consent: true})
		if err != nil {
			t.Fatal(err)
		}
		_, err = s.Submit(person, headshot.SubmitInput{Photo: []byte("photo 2")})
		wantKind(t, err, headshot.FailedPrecondition, "")
		_, err = s.Submit(person, headshot.SubmitInput{StudioID: s.account.Studio.ID, ContactID: ses.ContactID, Photo: []byte("photo")})
		wantKind(t, err, headshot.Forbidden, "")
		if _, err := s.RequestRetake(s.ctx, headshot.ReviewInput{ID: sub.ID, Reasons: []string{"eyes shut"}}); err != nil {
			t.Fatal(err)
		}
		second, err := s.Submit(person, headshot.SubmitInput{Photo: []byte("photo 2")})
		if err != nil {
			t.Fatal(err)
		}
		if second.ReplacesID == nil || *second.ReplacesID != sub.ID {
			t.Fatalf("the retake replaces %v", second.ReplacesID)
		}
		s.process()
		if got := db.Client().StudioSession.GetX(s.ctx, ses.ID).State; got != studiosession.StateCompleted {
			t.Fatalf("the session is %s", got)
		}
	})
}

func TestRevokedAndExpiredLinksAreClosed(t *testing.T) {
	t.Parallel()
	s := newStage(t, dbtest.SQLite(t))
	revoked, late := s.session("a@example.com"), s.session("b@example.com")
	link := s.SessionURL(revoked)
	gone, err := s.RevokeSession(s.ctx, revoked.ID)
	if err != nil {
		t.Fatal(err)
	}
	if s.SessionURL(gone) == link {
		t.Fatal("a revoked session keeps its link")
	}
	_, err = s.Submit(tenancy.With(t.Context(), auth.CaptureActor(revoked)), headshot.SubmitInput{Photo: []byte("photo"), Consent: true})
	wantKind(t, err, headshot.FailedPrecondition, "")
	s.now = s.now.Add(31 * 24 * time.Hour)
	_, err = s.Submit(tenancy.With(t.Context(), auth.CaptureActor(late)), headshot.SubmitInput{Photo: []byte("photo"), Consent: true})
	wantKind(t, err, headshot.FailedPrecondition, "")
	if err := s.ExpireSessions(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := db(s).StudioSession.GetX(s.ctx, late.ID).State; got != studiosession.StateExpired {
		t.Fatalf("the session is %s", got)
	}
}
