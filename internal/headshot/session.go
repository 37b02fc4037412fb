package headshot

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"time"

	"headroom/ent"
	"headroom/ent/contact"
	"headroom/ent/schema"
	"headroom/ent/studio"
	"headroom/ent/studiosession"
	"headroom/internal/auth"
	"headroom/internal/events"
	"headroom/internal/tenancy"
)

// SessionInput asks for a capture link: for a contact by id, or for one given inline, which is found
// by externalId, else e-mail, and updated, or made.
type SessionInput struct {
	StudioID    string
	ContactID   string
	Contact     *ContactInput
	RedirectURL *string         // where the person is sent afterwards; http or https
	ExpiresIn   *int            // seconds; default the studio's
	Metadata    json.RawMessage // one JSON object, the caller's own
}

// CreateSession makes a studio session: one capture link for one contact in one studio.
//
// Errors: ValidationFailed with the field, unknown ids included.
func (s *Service) CreateSession(ctx context.Context, in SessionInput) (*ent.StudioSession, error) {
	if err := need(ctx, "sessions:write"); err != nil {
		return nil, err
	}
	if in.Contact != nil {
		if err := need(ctx, "contacts:write"); err != nil {
			return nil, err
		}
	}
	if err := checkSession(&in); err != nil {
		return nil, err
	}
	var row *ent.StudioSession
	create := func(tx *txn) (err error) {
		row, err = s.createSession(ctx, tx, in)
		return err
	}
	err := s.inTx(ctx, create)
	if in.Contact != nil && KindOf(err) == Conflict { // perhaps somebody made the contact meanwhile: then it is found now
		err = s.inTx(ctx, create)
	}
	if err != nil {
		return nil, err
	}
	return row.Unwrap(), nil
}

func (s *Service) createSession(ctx context.Context, tx *txn, in SessionInput) (*ent.StudioSession, error) {
	st, err := tx.Studio.Query().Where(studio.ID(in.StudioID)).Only(ctx)
	if ent.IsNotFound(err) {
		return nil, unknownID("studioId", "studio", in.StudioID)
	}
	if err != nil {
		return nil, fmt.Errorf("look up studio: %w", err)
	}
	contactID, err := s.sessionContact(ctx, tx, in)
	if err != nil {
		return nil, err
	}
	ttl := time.Duration(st.SessionTTLSeconds) * time.Second
	if in.ExpiresIn != nil {
		ttl = time.Duration(*in.ExpiresIn) * time.Second
	}
	id := schema.NewID("ses")
	row, err := tx.StudioSession.Create().SetID(id).SetStudioID(st.ID).SetContactID(contactID).
		SetTokenHash(auth.Hash(s.Keys.CaptureToken(id, 0))).SetNillableRedirectURL(in.RedirectURL).
		SetMetadata(in.Metadata).SetExpiresAt(s.Now().Add(ttl)).Save(ctx)
	if err != nil {
		return nil, fmt.Errorf("insert session: %w", err)
	}
	return row, nil
}

func checkSession(in *SessionInput) error {
	f := faults{}
	if in.StudioID == "" {
		f.say("studioId", "is required")
	}
	if (in.ContactID == "") == (in.Contact == nil) {
		f.say("contactId", "give either contactId or contact")
	}
	if in.ExpiresIn != nil && (*in.ExpiresIn < 60 || *in.ExpiresIn > maxSessionTTL) {
		f.say("expiresIn", "is between a minute and 366 days, in seconds")
	}
	if in.RedirectURL != nil {
		u, err := url.Parse(*in.RedirectURL)
		if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" || len(*in.RedirectURL) > 2_000 {
			f.say("redirectUrl", "is not an http or https address")
		}
	}
	if len(in.Metadata) == 0 || string(in.Metadata) == "null" {
		in.Metadata = json.RawMessage(`{}`)
	}
	f.object("metadata", in.Metadata)
	return f.err()
}

func (s *Service) sessionContact(ctx context.Context, tx *txn, in SessionInput) (string, error) {
	if in.Contact != nil {
		row, err := s.upsertContact(ctx, tx, *in.Contact, "contact.")
		if err != nil {
			return "", err
		}
		return row.ID, nil
	}
	known, err := tx.Contact.Query().Where(contact.ID(in.ContactID)).Exist(ctx)
	if err != nil {
		return "", fmt.Errorf("look up contact: %w", err)
	}
	if !known {
		return "", unknownID("contactId", "contact", in.ContactID)
	}
	return in.ContactID, nil
}

// SessionURL is the session's capture link. Whoever has it may hand in a photo.
func (s *Service) SessionURL(row *ent.StudioSession) string {
	return s.BaseURL() + "/s/" + s.Keys.CaptureToken(row.ID, row.TokenGeneration)
}

// RevokeSession ends a session's link for good.
func (s *Service) RevokeSession(ctx context.Context, id string) (*ent.StudioSession, error) {
	if err := need(ctx, "sessions:write"); err != nil {
		return nil, err
	}
	var row *ent.StudioSession
	err := s.inTx(ctx, func(tx *txn) error {
		old, err := tx.StudioSession.Query().Where(studiosession.ID(id), forChange).Only(ctx)
		if err != nil {
			return err
		}
		if old.State == studiosession.StateRevoked {
			row = old
			return nil
		}
		generation := old.TokenGeneration + 1
		row, err = old.Update().SetState(studiosession.StateRevoked).SetRevokedAt(s.Now()).AddVersion(1).
			SetTokenGeneration(generation).SetTokenHash(auth.Hash(s.Keys.CaptureToken(id, generation))).Save(ctx)
		if err != nil {
			return err
		}
		return s.audit(ctx, tx, "session.revoke", id, nil)
	})
	if err != nil {
		return nil, err
	}
	return row.Unwrap(), nil
}

// OpenSession notes that the person has seen the capture page, the first time. For capture actors.
func (s *Service) OpenSession(ctx context.Context) (*ent.StudioSession, error) {
	a, err := captureActor(ctx)
	if err != nil {
		return nil, err
	}
	ctx = tenancy.AsWorker(ctx, a.AccountID)
	var row *ent.StudioSession
	err = s.inTx(ctx, func(tx *txn) error {
		row, err = tx.StudioSession.Query().Where(studiosession.ID(a.SessionID), forChange).Only(ctx)
		if err != nil || row.State != studiosession.StateOpen {
			return err
		}
		if row, err = row.Update().SetState(studiosession.StateOpened).SetOpenedAt(s.Now()).AddVersion(1).Save(ctx); err != nil {
			return err
		}
		return s.event(ctx, tx, events.Draft{
			Topic: events.SessionOpened, SubjectID: row.ID, StudioID: row.StudioID, ContactID: row.ContactID,
		})
	})
	if err != nil {
		return nil, err
	}
	return row.Unwrap(), nil
}

// ExpireSessions closes the sessions whose time is over, over all accounts, a few at a time.
func (s *Service) ExpireSessions(ctx context.Context) error {
	const batch = 200
	for {
		due, err := s.Client.StudioSession.Query().
			Where(studiosession.StateIn(studiosession.StateOpen, studiosession.StateOpened), studiosession.ExpiresAtLTE(s.Now())).
			Order(ent.Asc(studiosession.FieldExpiresAt)).Limit(batch).All(tenancy.AsSystem(ctx))
		if err != nil {
			return fmt.Errorf("find expired sessions: %w", err)
		}
		for _, row := range due {
			if err := s.expire(ctx, row); err != nil {
				return fmt.Errorf("expire session %s: %w", row.ID, err)
			}
		}
		if len(due) < batch {
			return nil
		}
	}
}

func (s *Service) expire(ctx context.Context, row *ent.StudioSession) error {
	ctx = tenancy.AsWorker(ctx, row.AccountID)
	return s.inTx(ctx, func(tx *txn) error {
		n, err := tx.StudioSession.Update().
			Where(studiosession.ID(row.ID), studiosession.StateIn(studiosession.StateOpen, studiosession.StateOpened)).
			SetState(studiosession.StateExpired).AddVersion(1).Save(ctx)
		if err != nil || n == 0 {
			return err
		}
		return s.event(ctx, tx, events.Draft{
			Topic: events.SessionExpired, SubjectID: row.ID, StudioID: row.StudioID, ContactID: row.ContactID,
		})
	})
}

func captureActor(ctx context.Context) (tenancy.Actor, error) {
	a, err := actor(ctx)
	if err != nil {
		return a, err
	}
	if a.Kind != tenancy.Capture {
		return a, Fail(Forbidden, "this is for the holder of a capture link")
	}
	return a, nil
}
