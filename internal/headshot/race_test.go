package headshot_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"testing"

	"headroom/ent/studiosession"
	"headroom/ent/submission"
	"headroom/ent/webhooksecret"
	"headroom/internal/auth"
	"headroom/internal/database"
	"headroom/internal/database/dbtest"
	"headroom/internal/headshot"
	"headroom/internal/tenancy"
)

// Two of anything at the same time. SQLite lets transactions through one by one; PostgreSQL does not,
// and these tests are for it first of all.

const many = 6

func (s *stage) manualStudio() string {
	s.t.Helper()
	manual := false
	st, err := s.CreateStudio(s.ctx, headshot.StudioInput{Name: "By hand", AutoAccept: &manual})
	if err != nil {
		s.t.Fatal(err)
	}
	return st.ID
}

func (s *stage) submitTo(studioID, email string) string {
	s.t.Helper()
	sub, err := s.Submit(s.ctx, headshot.SubmitInput{StudioID: studioID, ContactID: s.contact(email).ID, Photo: []byte("photo")})
	if err != nil {
		s.t.Fatal(err)
	}
	return sub.ID
}

func TestOneLinkTakesOneOfManyPhotosAtOnce(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := newStage(t, db)
		ses := s.session("ada@example.com")
		person := tenancy.With(t.Context(), auth.CaptureActor(ses))
		var all sync.WaitGroup // everyone has looked at the session before anyone inserts
		all.Add(many)
		s.onPut = func() { all.Done(); all.Wait() }
		wantOne(t, together(many, func(i int) error {
			_, err := s.Submit(person, headshot.SubmitInput{Photo: fmt.Appendf(nil, "photo %d", i), Consent: true})
			return err
		}), headshot.FailedPrecondition)
		if n := db.Client().Submission.Query().CountX(s.ctx); n != 1 {
			t.Errorf("%d submissions", n)
		}
	})
}

func TestSeeingThePageDoesNotReopenTheLink(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := newStage(t, db)
		for i := range 10 {
			ses := s.session(fmt.Sprintf("ada%d@example.com", i))
			person := tenancy.With(t.Context(), auth.CaptureActor(ses))
			wantAll(t, together(many, func(i int) error {
				if i == 0 {
					_, err := s.Submit(person, headshot.SubmitInput{Photo: []byte("photo"), Consent: true})
					return err
				}
				_, err := s.OpenSession(person)
				return err
			}))
			if got := db.Client().StudioSession.GetX(s.ctx, ses.ID).State; got != studiosession.StateSubmitted {
				t.Fatalf("the session is %s", got)
			}
		}
		opened := 0
		for _, topic := range s.topics() {
			if topic == "SESSION_OPENED" {
				opened++
			}
		}
		if opened > 10 {
			t.Errorf("SESSION_OPENED was raised %d times for 10 sessions", opened)
		}
	})
}

func TestOneOfManyReviewsOfAVersionWins(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := newStage(t, db)
		id := s.submitTo(s.manualStudio(), "ada@example.com")
		s.process()
		version := s.reload(id).Version
		wantOne(t, together(many, func(i int) error {
			in := headshot.ReviewInput{ID: id, IfVersion: &version}
			if i%2 == 0 {
				_, err := s.Accept(s.ctx, in)
				return err
			}
			_, err := s.Reject(s.ctx, in)
			return err
		}), headshot.VersionMismatch)
	})
}

// A person's word goes before the automatic one.
func TestRejectedWhileFinishingStaysRejected(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := newStage(t, db)
		for i := range 15 {
			id := s.submit(fmt.Sprintf("ada%d@example.com", i)).ID
			rev := s.queued[0]
			s.queued = nil
			nearly := make(chan struct{})
			s.answer = func([]byte) (*headshot.Enhanced, error) { close(nearly); return finished(1), nil }
			wantAll(t, together(2, func(i int) error {
				if i == 0 {
					return s.Service.Enhance(t.Context(), s.account.Account.ID, rev, false)
				}
				<-nearly
				_, err := s.Reject(s.ctx, headshot.ReviewInput{ID: id})
				return err
			}))
			if got := s.reload(id); got.Complete || got.State != submission.StateRejected {
				t.Fatalf("it is %s, %s, complete=%v", got.State, got.ProcessingState, got.Complete)
			}
		}
	})
}

// A submission that is accepted in the moment its headshot is finished must not miss being complete.
func TestAcceptedWhileFinishingIsComplete(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := newStage(t, db)
		studio := s.manualStudio()
		for i := range 15 {
			id := s.submitTo(studio, fmt.Sprintf("ada%d@example.com", i))
			rev := s.queued[0]
			s.queued = nil
			nearly := make(chan struct{})
			s.answer = func([]byte) (*headshot.Enhanced, error) { close(nearly); return finished(1), nil }
			wantAll(t, together(2, func(i int) error {
				if i == 0 {
					return s.Service.Enhance(t.Context(), s.account.Account.ID, rev, false)
				}
				<-nearly
				_, err := s.Accept(s.ctx, headshot.ReviewInput{ID: id})
				return err
			}))
			if got := s.reload(id); !got.Complete || got.State != submission.StateAccepted {
				t.Fatalf("it is %s, %s, complete=%v", got.State, got.ProcessingState, got.Complete)
			}
		}
	})
}

// A worker that was thought dead may begin when another has finished.
func TestRevisionWorkedByManyAtOnceStaysComplete(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := newStage(t, db)
		for i := range 15 {
			sub := s.submit(fmt.Sprintf("ada%d@example.com", i))
			rev := s.queued[0]
			s.queued = nil
			wantAll(t, together(many, func(int) error { return s.Service.Enhance(t.Context(), s.account.Account.ID, rev, false) }))
			if got := s.reload(sub.ID); !got.Complete || got.ProcessingState != submission.ProcessingStateComplete {
				t.Fatalf("it is %s, complete=%v", got.ProcessingState, got.Complete)
			}
		}
		n := 0
		for _, topic := range s.topics() {
			if topic == "SUBMISSION_COMPLETE" {
				n++
			}
		}
		if n != 15 {
			t.Errorf("SUBMISSION_COMPLETE was raised %d times for 15 submissions", n)
		}
	})
}

func TestOneOfManyReprocessesQueues(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := newStage(t, db)
		sub := s.submit("ada@example.com")
		s.process()
		wantOne(t, together(many, func(int) error {
			_, err := s.Reprocess(s.ctx, headshot.ReprocessFilter{IDs: []string{sub.ID}}, false)
			return err
		}), headshot.FailedPrecondition)
	})
}

func TestInlineContactsAtOnceAreOneContact(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := newStage(t, db)
		list, err := s.CreateList(s.ctx, headshot.ListInput{Name: "Team"})
		if err != nil {
			t.Fatal(err)
		}
		wantAll(t, together(many, func(int) error {
			_, err := s.CreateSession(s.ctx, headshot.SessionInput{StudioID: s.account.Studio.ID, Contact: &headshot.ContactInput{
				FirstName: "Ada", Email: "ada@example.com", ListIDs: []string{list.ID},
			}})
			return err
		}))
		if n := db.Client().Contact.Query().CountX(s.ctx); n != 1 {
			t.Errorf("%d contacts", n)
		}
	})
}

func TestChangesAtOnceAreNotLost(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := newStage(t, db)
		c := s.contact("ada@example.com")
		wantAll(t, together(many, func(i int) error {
			_, err := s.UpdateContact(s.ctx, c.ID, headshot.ContactPatch{
				CustomAttributes: headshot.To(json.RawMessage(fmt.Sprintf(`{"k%d":true}`, i))),
			}, nil)
			return err
		}))
		got := db.Client().Contact.GetX(s.ctx, c.ID)
		var attributes map[string]bool
		if err := json.Unmarshal(got.CustomAttributes, &attributes); err != nil || len(attributes) != many || got.Version != 1+many {
			t.Errorf("attributes %s at version %d", got.CustomAttributes, got.Version)
		}
	})
}

func TestOneOfManyChangesOfAVersionWins(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := newStage(t, db)
		list, err := s.CreateList(s.ctx, headshot.ListInput{Name: "Team"})
		if err != nil {
			t.Fatal(err)
		}
		endpoint, _, err := s.CreateEndpoint(s.ctx, headshot.EndpointInput{URL: "https://hooks.example.com/in"})
		if err != nil {
			t.Fatal(err)
		}
		contact, one := s.contact("ada@example.com"), 1
		for name, change := range map[string]func(text string) error{
			"contact": func(text string) error {
				_, err := s.UpdateContact(s.ctx, contact.ID, headshot.ContactPatch{LastName: headshot.To(text)}, &one)
				return err
			},
			"list": func(text string) error {
				_, err := s.UpdateList(s.ctx, list.ID, headshot.ListPatch{Description: headshot.To(text)}, &one)
				return err
			},
			"studio": func(text string) error {
				_, err := s.UpdateStudio(s.ctx, s.account.Studio.ID, headshot.StudioPatch{Guidelines: headshot.To(text)}, &one)
				return err
			},
			"endpoint": func(text string) error {
				_, err := s.UpdateEndpoint(s.ctx, endpoint.ID, headshot.EndpointPatch{Description: headshot.To(text)}, &one)
				return err
			},
		} {
			t.Log(name)
			wantOne(t, together(many, func(i int) error { return change(fmt.Sprint(i)) }), headshot.VersionMismatch)
		}
	})
}

func TestRotationsAtOnceLeaveOneSecret(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := newStage(t, db)
		row, _, err := s.CreateEndpoint(s.ctx, headshot.EndpointInput{URL: "https://hooks.example.com/in"})
		if err != nil {
			t.Fatal(err)
		}
		wantAll(t, together(many, func(int) error {
			_, _, err := s.RotateSecret(s.ctx, row.ID, false)
			return err
		}))
		if n := db.Client().WebhookSecret.Query().Where(webhooksecret.ExpiresAtIsNil()).CountX(s.ctx); n != 1 {
			t.Errorf("%d secrets sign for good", n)
		}
		if got, err := s.EndpointSecrets(s.ctx, row.ID); err != nil || len(got) != 2 {
			t.Errorf("%d secrets sign, %v", len(got), err)
		}
	})
}

func TestNodesThatStartTogetherBootstrapOnce(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := emptyStage(t, db)
		key, err := auth.NewAPIKey(false)
		if err != nil {
			t.Fatal(err)
		}
		made := make([]bool, many)
		wantAll(t, together(many, func(i int) (err error) {
			made[i], err = s.Bootstrap(t.Context(), headshot.AccountInput{
				Name: "Headroom", Key: key, Email: "owner@example.com", Password: "correct horse battery",
			})
			return err
		}))
		if n := len(slices.DeleteFunc(made, func(did bool) bool { return !did })); n != 1 {
			t.Errorf("%d nodes say that they made the account", n)
		}
		if n := db.Client().Account.Query().CountX(tenancy.AsSystem(t.Context())); n != 2 {
			t.Errorf("%d accounts, want one and its twin", n)
		}
	})
}
