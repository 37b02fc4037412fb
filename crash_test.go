package main_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
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
		sub, worker := held(a, first)
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
		d := nextAbout(t, r, secret, sub.ID)
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
		cut := next(t, r) // and not answered
		kill(t, first)
		killed := time.Now()

		a = s.api(t, s.serve(t))
		d := next(t, r)
		if late := d.At.Sub(killed); late > patience {
			t.Errorf("delivered again %s after the kill, want at most %s", late, patience)
		}
		d.Answer(http.StatusNoContent)
		event := cut.Header.Get("webhook-id")
		if d.Header.Get("webhook-id") != event || !bytes.Equal(d.Body, cut.Body) {
			t.Errorf("the delivery is another one after the kill: %s %s, was %s %s", d.Header.Get("webhook-id"), d.Body, event, cut.Body)
		}
		if _, err := webhooks.Verify(d.Header, d.Body, secret); err != nil {
			t.Error(err)
		}
		if d.Header.Get(webhooks.HeaderToken) == cut.Header.Get(webhooks.HeaderToken) {
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
		sub, worker := held(a, server)
		signal(t, worker, syscall.SIGSEGV)
		crashed := time.Now()
		signal(t, worker, syscall.SIGCONT)
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
		working, worker := held(a, first)
		waiting := a.submit(face)
		asked := time.Now()
		if err := first.Terminate(); err != nil {
			t.Fatal(err)
		}
		until(t, "no more requests are taken", func() bool {
			_, err := live.Fetch(t.Context(), first.URL+"/healthz")
			return err != nil
		})
		signal(t, worker, syscall.SIGCONT)
		if err := first.Wait(); err != nil { // status 0
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
		if got.Revision.StartedAt == nil || got.Revision.StartedAt.Before(stopped) {
			t.Errorf("the waiting photo was begun at %v, before the server ended", got.Revision.StartedAt)
		}
		oneHeadshot(a, working.ID)
		oneHeadshot(a, waiting.ID)
	})
}

func TestAskedToStopWhileItStartsTheServerEndsWell(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *site) {
		for range 5 {
			server := s.serve(t)
			if err := server.Stop(); err != nil {
				t.Errorf("%v\n%s", err, server.Log())
			}
		}
	})
}

// held hands in a photo and stops the enhancer's process in the midst of it, so that what comes next
// surely happens during the work. It gives the submission and the process.
func held(a api, server *live.Server) (submission, int) {
	a.Helper()
	for range 10 {
		sub := a.submit(face)
		begun := false
		until(a.T, "the enhancer works on "+sub.ID, func() bool {
			sub = a.submission(sub.ID)
			begun = sub.ProcessingState == "PROCESSING" && sub.ProgressStep != ""
			return begun || sub.ProcessingState == "COMPLETE"
		})
		worker := enhancer(a.T, server)
		signal(a.T, worker, syscall.SIGSTOP)
		a.Cleanup(func() { _ = syscall.Kill(worker, syscall.SIGCONT) })
		if begun && stays(a, sub.ID) {
			return sub, worker
		}
		signal(a.T, worker, syscall.SIGCONT) // it was done already: the next photo
		a.reaches(sub.ID, "COMPLETE")
	}
	a.Fatal("each photo was done before the enhancer could be stopped")
	return submission{}, 0
}

// stays says whether the submission is still in work after the server could have stored a result that
// had left the enhancer just before it was stopped.
func stays(a api, id string) bool {
	a.Helper()
	for range 10 {
		a.contact()
	}
	return a.submission(id).ProcessingState == "PROCESSING"
}

// nextAbout takes deliveries until one is about the submission.
func nextAbout(t *testing.T, r *live.Receiver, secret, id string) live.Delivery {
	t.Helper()
	for {
		d := next(t, r)
		d.Answer(http.StatusNoContent)
		claims, err := webhooks.Verify(d.Header, d.Body, secret)
		if err != nil {
			t.Fatal(err)
		}
		if claims.Subject == id {
			return d
		}
	}
}

func signal(t *testing.T, pid int, s syscall.Signal) {
	t.Helper()
	if err := syscall.Kill(pid, s); err != nil {
		t.Fatalf("signal process %d: %v", pid, err)
	}
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
// completed once, and that each of its images is stored as its row says.
func oneHeadshot(a api, id string) {
	a.Helper()
	var got struct {
		Submission struct {
			Revisions struct {
				Nodes []struct {
					ProcessingState string
					Images          []struct{ Kind, URL, SHA256 string }
				}
			}
		}
	}
	a.graphql(`query($id: ID!) { submission(id: $id) { revisions(first: 10) { nodes { processingState images { kind url sha256 } } } } }`,
		map[string]any{"id": id}, &got)
	revisions := got.Submission.Revisions.Nodes
	if len(revisions) != 1 || revisions[0].ProcessingState != "COMPLETE" {
		a.Fatalf("%s has the revisions %+v, want one, COMPLETE", id, revisions)
	}
	kinds := map[string]int{}
	for _, img := range revisions[0].Images {
		kinds[img.Kind]++
		picture, err := live.Fetch(a.Context(), img.URL)
		if sum := sha256.Sum256(picture.Body); err != nil || picture.Status != http.StatusOK || hex.EncodeToString(sum[:]) != img.SHA256 {
			a.Errorf("the %s is %d with %x (%v), want %s", img.Kind, picture.Status, sum, err, img.SHA256)
		}
	}
	if kinds["HEADSHOT"] != 1 {
		a.Errorf("the revision of %s has %d headshots, want 1 (%v)", id, kinds["HEADSHOT"], kinds)
	}
	completions := 0
	until(a.T, "the completion of "+id+" is in the log of events", func() bool {
		completions = 0
		var log struct {
			Events struct {
				Nodes []struct{ SubmissionID string }
			}
		}
		a.graphql(`{ events(first: 100, topics: ["SUBMISSION_COMPLETE"]) { nodes { submissionId } } }`, nil, &log)
		for _, e := range log.Events.Nodes {
			if e.SubmissionID == id {
				completions++
			}
		}
		return completions > 0
	})
	if completions != 1 {
		a.Errorf("%s was completed %d times, want once", id, completions)
	}
}
