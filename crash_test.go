package main_test

import (
	"bytes"
	"net/http"
	"syscall"
	"testing"
	"time"

	"headroom/test/live"
	"headroom/webhooks"
)

func TestKilledDuringEnhancement(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *site) {
		enhances(t)
		first := s.serve(t)
		a, r := s.api(t, first), receive(t)
		_, secret := a.endpoint(r)
		sub := a.submit(face)
		a.inWork(sub.ID)
		worker := enhancer(t, first)
		kill(t, first)
		killed := time.Now()
		until(t, "the enhancer ends with its server", func() bool { return !live.Alive(worker) })

		a = s.api(t, s.serve(t))
		got := a.reaches(sub.ID, "COMPLETE")
		if late := time.Since(killed); late > patience {
			t.Errorf("complete %s after the kill, want at most %s", late, patience)
		}
		if got.Revision.StartedAt == nil || got.Revision.StartedAt.Before(killed) {
			t.Errorf("the work that finished began at %v, before the kill at %v: nothing was interrupted", got.Revision.StartedAt, killed)
		}
		d := next(t, r)
		d.Answer(http.StatusNoContent)
		if _, err := webhooks.Verify(d.Header, d.Body, secret); err != nil {
			t.Error(err)
		}
		delivered(a, d.Header.Get("webhook-id"), 1)
		oneHeadshot(a, sub.ID)
	})
}

func TestKilledDuringDelivery(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *site) {
		enhances(t)
		first := s.serve(t)
		a, r := s.api(t, first), receive(t)
		_, secret := a.endpoint(r)
		sub := a.submit(face)
		held := next(t, r) // and not answered
		kill(t, first)
		killed := time.Now()

		a = s.api(t, s.serve(t))
		d := next(t, r)
		if late := d.At.Sub(killed); late > patience {
			t.Errorf("delivered again %s after the kill, want at most %s", late, patience)
		}
		d.Answer(http.StatusNoContent)
		event := held.Header.Get("webhook-id")
		if d.Header.Get("webhook-id") != event || !bytes.Equal(d.Body, held.Body) {
			t.Errorf("the delivery is another one after the kill: %s %s, was %s %s", d.Header.Get("webhook-id"), d.Body, event, held.Body)
		}
		if _, err := webhooks.Verify(d.Header, d.Body, secret); err != nil {
			t.Error(err)
		}
		if d.Header.Get(webhooks.HeaderToken) == held.Header.Get(webhooks.HeaderToken) {
			t.Error("the token is not fresh")
		}
		until(t, "the delivery is recorded", func() bool {
			var page struct{ Data []struct{ State string } }
			a.call(http.MethodGet, "/deliveries?event_id="+event, nil, &page)
			return len(page.Data) == 1 && page.Data[0].State == "DELIVERED"
		})
		if got := a.submission(sub.ID); got.ProcessingState != "COMPLETE" || !got.Complete {
			t.Errorf("the submission is %+v", got)
		}
		oneHeadshot(a, sub.ID)
		if n := len(r.Deliveries); n > 0 {
			t.Errorf("%d deliveries more", n)
		}
	})
}

func TestAPhotoOutlivesTheEnhancersCrash(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *site) {
		enhances(t)
		server := s.serve(t)
		a := s.api(t, server)
		sub := a.submit(face)
		a.inWork(sub.ID)
		worker := enhancer(t, server)
		if err := syscall.Kill(worker, syscall.SIGSEGV); err != nil {
			t.Fatal(err)
		}
		crashed := time.Now()
		until(t, "the enhancer is gone", func() bool { return !live.Alive(worker) })
		got := a.reaches(sub.ID, "COMPLETE")
		if got.Revision.StartedAt == nil || got.Revision.StartedAt.Before(crashed) {
			t.Errorf("the work that finished began at %v, before the crash at %v: nothing was interrupted", got.Revision.StartedAt, crashed)
		}
		oneHeadshot(a, sub.ID)
		if other := enhancer(t, server); other == worker || !server.Running() {
			t.Errorf("the server runs: %v, enhancer %d after %d", server.Running(), other, worker)
		}
	})
}

func TestAskedToStopUnderWorkTheServerDrains(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *site) {
		enhances(t)
		first := s.serve(t)
		a := s.api(t, first)
		working := a.submit(face)
		waiting := a.submit(face)
		a.inWork(working.ID)
		worker := enhancer(t, first)
		asked := time.Now()
		if err := first.Stop(); err != nil { // status 0
			t.Fatalf("asked to stop under work: %v", err)
		}
		stopped := time.Now()
		if took := stopped.Sub(asked); took > 30*time.Second {
			t.Errorf("it took %s to stop", took)
		}
		if live.Alive(worker) {
			t.Error("the enhancer is still there")
		}

		a = s.api(t, s.serve(t))
		got := a.reaches(working.ID, "COMPLETE")
		if got.Revision.FinishedAt == nil || got.Revision.FinishedAt.After(stopped) {
			t.Errorf("the photo in work was finished at %v, want before the server ended at %v", got.Revision.FinishedAt, stopped)
		}
		got = a.reaches(waiting.ID, "COMPLETE")
		if got.Revision.StartedAt == nil || got.Revision.StartedAt.Before(asked) {
			t.Errorf("the waiting photo was begun at %v, before the server was asked to stop", got.Revision.StartedAt)
		}
		oneHeadshot(a, working.ID)
		oneHeadshot(a, waiting.ID)
	})
}

// enhancer is the id of the server's one enhancer process.
func enhancer(t *testing.T, s *live.Server) int {
	t.Helper()
	pids, err := s.Enhancers(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(pids) != 1 {
		t.Fatalf("the server has the enhancers %v, want one", pids)
	}
	return pids[0]
}

// oneHeadshot checks that the submission was processed as one revision with one headshot, was
// completed once, and that each of its images can be read.
func oneHeadshot(a api, id string) {
	a.Helper()
	var got struct {
		Submission struct {
			Revisions struct {
				Nodes []struct {
					ID              string
					ProcessingState string
					Images          []struct{ Kind, URL string }
				}
			}
		}
		Events struct {
			Nodes []struct{ SubmissionID string }
		}
	}
	a.graphql(`query($id: ID!) {
		submission(id: $id) { revisions(first: 10) { nodes { id processingState images { kind url } } } }
		events(first: 100, topics: ["SUBMISSION_COMPLETE"]) { nodes { submissionId } }
	}`, map[string]any{"id": id}, &got)
	revisions := got.Submission.Revisions.Nodes
	if len(revisions) != 1 || revisions[0].ProcessingState != "COMPLETE" {
		a.Fatalf("%s has the revisions %+v, want one, COMPLETE", id, revisions)
	}
	kinds := map[string]int{}
	for _, img := range revisions[0].Images {
		kinds[img.Kind]++
		if picture, err := live.Fetch(a.Context(), img.URL); err != nil || picture.Status != http.StatusOK || len(picture.Body) == 0 {
			a.Errorf("the %s answers %d (%v)", img.Kind, picture.Status, err)
		}
	}
	if kinds["HEADSHOT"] != 1 {
		a.Errorf("the revision of %s has %d headshots, want 1 (%v)", id, kinds["HEADSHOT"], kinds)
	}
	times := 0
	for _, e := range got.Events.Nodes {
		if e.SubmissionID == id {
			times++
		}
	}
	if times != 1 {
		a.Errorf("%s was completed %d times, want once", id, times)
	}
}
