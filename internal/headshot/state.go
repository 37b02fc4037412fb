package headshot

import (
	"headroom/ent"
	"headroom/ent/studiosession"
	"headroom/ent/submission"
)

// canBecome says which review state may follow which. Nobody else decides it.
func canBecome(from, to submission.State) bool {
	switch from {
	case submission.StatePending:
		return to == submission.StateAccepted || to == submission.StateRejected || to == submission.StateRetakeRequested
	case submission.StateAccepted:
		return to == submission.StateRejected
	case submission.StateRejected:
		return to == submission.StateAccepted
	case submission.StateRetakeRequested:
		return false
	}
	return false
}

// takesAnother says whether a link takes another photo after last: one that was asked for, or one
// instead of a photo that did not work. A failed reprocess is no reason when there is a headshot.
func takesAnother(last *ent.Submission) bool {
	switch last.State {
	case submission.StateRetakeRequested:
		return true
	case submission.StateRejected:
		return false
	case submission.StatePending, submission.StateAccepted:
	}
	return last.ProcessingState == submission.ProcessingStateFailed && last.CompleteRevisionID == nil
}

// sessionOpen says whether a session still takes a first photo.
func sessionOpen(state studiosession.State) bool {
	switch state {
	case studiosession.StateOpen, studiosession.StateOpened:
		return true
	case studiosession.StateSubmitted, studiosession.StateCompleted, studiosession.StateExpired, studiosession.StateRevoked:
		return false
	}
	return false
}
