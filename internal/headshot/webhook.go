package headshot

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"headroom/ent"
	"headroom/ent/delivery"
	"headroom/ent/schema"
	"headroom/ent/studio"
	"headroom/ent/submission"
	"headroom/ent/webhookendpoint"
	"headroom/ent/webhooksecret"
	"headroom/internal/events"
	"headroom/internal/tenancy"
)

// EndpointInput is a webhook endpoint to be made.
type EndpointInput struct {
	URL, Description string
	Topics           []string // empty: SUBMISSION_COMPLETE only
	StudioID         *string  // only events of this studio
}

// EndpointPatch changes a webhook endpoint.
type EndpointPatch struct {
	URL, Description Field[string]
	Topics           Field[[]string]
	StudioID         Field[string]
}

// Secret signs deliveries. ID is public (the JWT's kid); Value is `whsec_` + base64 of 32 bytes.
type Secret struct{ ID, Value string }

// RotationOverlap is how long a rotated secret goes on signing beside the new one.
const RotationOverlap = 24 * time.Hour

func (s *Service) checkEndpoint(ctx context.Context, p EndpointPatch) error {
	f := faults{}
	if p.URL.Set {
		f.add("url", s.CheckURL(ctx, p.URL.Value))
	}
	f.text("description", &p.Description.Value, 2_000)
	for _, t := range p.Topics.Value {
		if !events.Topic(t).Valid() {
			f.say("topics", "there is no topic "+t)
		}
	}
	return f.err()
}

// CreateEndpoint makes a webhook endpoint and its first secret, which is returned here only.
func (s *Service) CreateEndpoint(ctx context.Context, in EndpointInput) (*ent.WebhookEndpoint, string, error) {
	if err := need(ctx, "webhooks:write"); err != nil {
		return nil, "", err
	}
	if err := s.checkEndpoint(ctx, EndpointPatch{URL: To(in.URL), Description: To(in.Description), Topics: To(in.Topics)}); err != nil {
		return nil, "", err
	}
	var row *ent.WebhookEndpoint
	var secret Secret
	err := s.inTx(ctx, func(tx *txn) error {
		if err := knownStudio(ctx, tx, in.StudioID); err != nil {
			return err
		}
		var err error
		row, err = tx.WebhookEndpoint.Create().SetURL(in.URL).SetDescription(in.Description).
			SetTopics(unique(in.Topics)).SetNillableStudioID(in.StudioID).Save(ctx)
		if err != nil {
			return fmt.Errorf("insert endpoint: %w", err)
		}
		if secret, err = s.addSecret(ctx, tx, row.ID); err != nil {
			return err
		}
		return s.audit(ctx, tx, "webhook_endpoint.create", row.ID, nil)
	})
	if err != nil {
		return nil, "", err
	}
	return row.Unwrap(), secret.Value, nil
}

func knownStudio(ctx context.Context, tx *txn, id *string) error {
	if id == nil {
		return nil
	}
	known, err := tx.Studio.Query().Where(studio.ID(*id)).Exist(ctx)
	if err != nil {
		return fmt.Errorf("look up studio: %w", err)
	}
	if !known {
		return unknownID("studioId", "studio", *id)
	}
	return nil
}

func (s *Service) addSecret(ctx context.Context, tx *txn, endpointID string) (Secret, error) {
	random := make([]byte, 32)
	if _, err := rand.Read(random); err != nil {
		return Secret{}, fmt.Errorf("make a webhook secret: %w", err)
	}
	secret := Secret{ID: schema.NewID("whs"), Value: "whsec_" + base64.StdEncoding.EncodeToString(random)}
	sealed, err := s.Keys.Seal(secret.ID, []byte(secret.Value))
	if err != nil {
		return Secret{}, err
	}
	err = tx.WebhookSecret.Create().SetID(secret.ID).SetEndpointID(endpointID).SetCiphertext(sealed).Exec(ctx)
	if err != nil {
		return Secret{}, fmt.Errorf("insert webhook secret: %w", err)
	}
	return secret, nil
}

// EndpointSecrets opens the secrets that sign an endpoint's deliveries now: the older first, which
// signs alone until a rotation's overlap ends.
func (s *Service) EndpointSecrets(ctx context.Context, endpointID string) ([]Secret, error) {
	rows, err := s.Client.WebhookSecret.Query().
		Where(webhooksecret.EndpointID(endpointID), webhooksecret.Or(webhooksecret.ExpiresAtIsNil(), webhooksecret.ExpiresAtGT(s.Now()))).
		Order(ent.Asc(webhooksecret.FieldCreatedAt, webhooksecret.FieldID)).All(ctx)
	if err != nil {
		return nil, fmt.Errorf("load secrets of %s: %w", endpointID, err)
	}
	// The one that ends is the older, whatever the clocks of the nodes that made them say.
	slices.SortStableFunc(rows, func(a, b *ent.WebhookSecret) int {
		switch {
		case a.ExpiresAt != nil && b.ExpiresAt == nil:
			return -1
		case a.ExpiresAt == nil && b.ExpiresAt != nil:
			return 1
		}
		return 0
	})
	out := make([]Secret, len(rows))
	for i, row := range rows {
		plain, err := s.Keys.Open(row.ID, row.Ciphertext)
		if err != nil {
			return nil, err
		}
		out[i] = Secret{ID: row.ID, Value: string(plain)}
	}
	return out, nil
}

// RotateSecret gives an endpoint a new secret. The old one goes on signing for RotationOverlap, or
// ends at once with revoke.
func (s *Service) RotateSecret(ctx context.Context, endpointID string, revoke bool) (*ent.WebhookEndpoint, string, error) {
	if err := need(ctx, "webhooks:write"); err != nil {
		return nil, "", err
	}
	var row *ent.WebhookEndpoint
	var secret Secret
	err := s.inTx(ctx, func(tx *txn) error {
		old, err := tx.WebhookEndpoint.Query().Where(webhookendpoint.ID(endpointID), forChange).Only(ctx)
		if err != nil {
			return err
		}
		ends := s.Now()
		if !revoke {
			ends = ends.Add(RotationOverlap)
		}
		// Secrets already in an overlap end with this rotation, so that no more than two sign at a time.
		if err := tx.WebhookSecret.Update().Where(webhooksecret.EndpointID(endpointID), webhooksecret.ExpiresAtNotNil(),
			webhooksecret.ExpiresAtGT(s.Now())).SetExpiresAt(s.Now()).Exec(ctx); err != nil {
			return fmt.Errorf("end older secrets: %w", err)
		}
		if err := tx.WebhookSecret.Update().Where(webhooksecret.EndpointID(endpointID), webhooksecret.ExpiresAtIsNil()).
			SetExpiresAt(ends).Exec(ctx); err != nil {
			return fmt.Errorf("end the old secret: %w", err)
		}
		if secret, err = s.addSecret(ctx, tx, endpointID); err != nil {
			return err
		}
		if row, err = old.Update().AddVersion(1).Save(ctx); err != nil {
			return err
		}
		return s.audit(ctx, tx, "webhook_endpoint.rotate_secret", endpointID, map[string]bool{"revoke": revoke})
	})
	if err != nil {
		return nil, "", err
	}
	return row.Unwrap(), secret.Value, nil
}

// UpdateEndpoint changes a webhook endpoint.
func (s *Service) UpdateEndpoint(ctx context.Context, id string, p EndpointPatch, ifVersion *int) (*ent.WebhookEndpoint, error) {
	if err := need(ctx, "webhooks:write"); err != nil { // before the name of a stranger's host is looked up
		return nil, err
	}
	if err := s.checkEndpoint(ctx, p); err != nil {
		return nil, err
	}
	return s.changeEndpoint(ctx, id, "update", ifVersion, func(tx *txn, u *ent.WebhookEndpointUpdateOne) error {
		if p.URL.Set {
			u.SetURL(p.URL.Value)
		}
		if p.Description.Set {
			u.SetDescription(p.Description.Value)
		}
		if p.Topics.Set {
			u.SetTopics(unique(p.Topics.Value))
		}
		if p.StudioID.Set && p.StudioID.Null {
			u.ClearStudioID()
		} else if p.StudioID.Set {
			u.SetStudioID(p.StudioID.Value)
			return knownStudio(ctx, tx, &p.StudioID.Value)
		}
		return nil
	})
}

func (s *Service) changeEndpoint(ctx context.Context, id, action string, ifVersion *int, change func(*txn, *ent.WebhookEndpointUpdateOne) error) (*ent.WebhookEndpoint, error) {
	if err := need(ctx, "webhooks:write"); err != nil {
		return nil, err
	}
	var row *ent.WebhookEndpoint
	err := s.inTx(ctx, func(tx *txn) error {
		old, err := tx.WebhookEndpoint.Query().Where(webhookendpoint.ID(id), forChange).Only(ctx)
		if err != nil {
			return err
		}
		if err := checkVersion(ifVersion, old.Version); err != nil {
			return err
		}
		u := old.Update().AddVersion(1)
		if err := change(tx, u); err != nil {
			return err
		}
		if row, err = u.Save(ctx); err != nil {
			return err
		}
		return s.audit(ctx, tx, "webhook_endpoint."+action, id, nil)
	})
	if err != nil {
		return nil, err
	}
	return row.Unwrap(), nil
}

// PauseEndpoint holds an endpoint's deliveries back; its events are kept.
func (s *Service) PauseEndpoint(ctx context.Context, id string) (*ent.WebhookEndpoint, error) {
	return s.changeEndpoint(ctx, id, "pause", nil, func(tx *txn, u *ent.WebhookEndpointUpdateOne) error {
		u.SetState(webhookendpoint.StatePaused).SetStateReason("paused by hand")
		_, err := s.Deliveries.Hold(ctx, tx.Tx, id)
		return err
	})
}

// ResumeEndpoint enables a paused or disabled endpoint and sends what was held back.
func (s *Service) ResumeEndpoint(ctx context.Context, id string) (*ent.WebhookEndpoint, error) {
	return s.changeEndpoint(ctx, id, "resume", nil, func(tx *txn, u *ent.WebhookEndpointUpdateOne) error {
		u.SetState(webhookendpoint.StateEnabled).ClearStateReason().ClearFailingSince()
		tx.rings = append(tx.rings, events.Ring{Deliveries: true})
		_, err := s.Deliveries.Release(ctx, tx.Tx, id)
		return err
	})
}

// DeleteEndpoint deletes an endpoint with its secrets and its deliveries; its events stay.
func (s *Service) DeleteEndpoint(ctx context.Context, id string) error {
	if err := need(ctx, "webhooks:write"); err != nil {
		return err
	}
	return s.inTx(ctx, func(tx *txn) error {
		if _, err := tx.WebhookEndpoint.Get(ctx, id); err != nil {
			return err
		}
		if err := deleteDeliveries(ctx, tx, id); err != nil {
			return err
		}
		if _, err := tx.WebhookSecret.Delete().Where(webhooksecret.EndpointID(id)).Exec(ctx); err != nil {
			return fmt.Errorf("delete secrets: %w", err)
		}
		if err := tx.WebhookEndpoint.DeleteOneID(id).Exec(ctx); err != nil {
			return fmt.Errorf("delete endpoint: %w", err)
		}
		return s.audit(ctx, tx, "webhook_endpoint.delete", id, nil)
	})
}

// TestInput asks for a TEST event to one endpoint, about a submission or with a payload of one's own.
type TestInput struct {
	EndpointID   string
	SubmissionID string
	Payload      json.RawMessage
}

// SendTest raises a TEST event that goes to one endpoint only.
func (s *Service) SendTest(ctx context.Context, in TestInput) (*ent.WebhookEndpoint, error) {
	if err := need(ctx, "webhooks:write"); err != nil {
		return nil, err
	}
	if len(in.Payload) > 0 {
		f := faults{}
		f.object("payload", in.Payload)
		if err := f.err(); err != nil {
			return nil, err
		}
	}
	var row *ent.WebhookEndpoint
	err := s.inTx(ctx, func(tx *txn) (err error) {
		if row, err = tx.WebhookEndpoint.Get(ctx, in.EndpointID); err != nil {
			return err
		}
		d := events.Draft{Topic: events.Test, SubjectID: row.ID, EndpointID: row.ID}
		if len(in.Payload) > 0 {
			d.Detail = in.Payload
		}
		if in.SubmissionID != "" {
			sub, err := tx.Submission.Query().Where(submission.ID(in.SubmissionID)).Only(ctx)
			if ent.IsNotFound(err) {
				return unknownID("submissionId", "submission", in.SubmissionID)
			}
			if err != nil {
				return fmt.Errorf("look up submission: %w", err)
			}
			d.SubmissionID, d.StudioID, d.ContactID = sub.ID, sub.StudioID, sub.ContactID
		}
		return s.event(ctx, tx, d)
	})
	if err != nil {
		return nil, err
	}
	return row.Unwrap(), nil
}

// ReplayDeliveries sends deliveries again under the webhook-id they had.
func (s *Service) ReplayDeliveries(ctx context.Context, ids []string) ([]*ent.Delivery, error) {
	if err := need(ctx, "webhooks:write"); err != nil {
		return nil, err
	}
	ids = unique(ids)
	if len(ids) == 0 || len(ids) > maxReprocess {
		return nil, Invalid("ids", "are 1 to %d", maxReprocess)
	}
	var rows []*ent.Delivery
	err := s.inTx(ctx, func(tx *txn) error {
		known, err := tx.Delivery.Query().Where(delivery.IDIn(ids...)).IDs(ctx)
		if err != nil {
			return fmt.Errorf("look up deliveries: %w", err)
		}
		if err := unknown(ids, known, "ids", "delivery"); err != nil {
			return err
		}
		if _, err := s.Deliveries.Requeue(ctx, tx.Tx, ids...); err != nil {
			return fmt.Errorf("requeue: %w", err)
		}
		tx.rings = append(tx.rings, events.Ring{Deliveries: true})
		rows, err = tx.Delivery.Query().Where(delivery.IDIn(ids...)).Order(ent.Asc(delivery.FieldID)).All(ctx)
		if err != nil {
			return fmt.Errorf("load deliveries: %w", err)
		}
		a, _ := tenancy.From(ctx)
		return s.audit(ctx, tx, "delivery.replay", a.AccountID, map[string]int{"deliveries": len(ids)})
	})
	if err != nil {
		return nil, err
	}
	return unwrap(rows), nil
}
