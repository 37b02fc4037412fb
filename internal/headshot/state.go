package headshot

import (
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
