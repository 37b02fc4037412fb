package tenancy_test

import (
	"context"
	"encoding/json"
	"maps"
	"testing"
	"time"

	"headroom/ent"
	"headroom/ent/schema"
	"headroom/internal/tenancy"
)

// world is one account with one row of every type that has an id, and one of each membership.
type world struct {
	account string
	ids     map[string]string // by ent type
}

// key returns ctx acting as an API key of the world's account.
func (w world) key(ctx context.Context) context.Context {
	return tenancy.With(ctx, tenancy.Actor{Kind: tenancy.Key, ID: "key_x", AccountID: w.account, Scopes: []string{"admin"}})
}

// capture returns ctx acting as the holder of the world's capture link.
func (w world) capture(ctx context.Context) context.Context {
	return tenancy.With(ctx, tenancy.Actor{
		Kind: tenancy.Capture, ID: w.ids[ent.TypeStudioSession], AccountID: w.account,
		SessionID: w.ids[ent.TypeStudioSession], ContactID: w.ids[ent.TypeContact], StudioID: w.ids[ent.TypeStudio],
	})
}

func newWorld(t *testing.T, c *ent.Client) world {
	t.Helper()
	sys := tenancy.AsSystem(t.Context())
	acc := c.Account.Create().SetName("Account").SaveX(sys)
	w := world{account: acc.ID, ids: map[string]string{ent.TypeAccount: acc.ID}}
	ctx := w.key(t.Context())
	object := json.RawMessage(`{}`)
	later := schema.Now().Add(time.Hour)

	contact := c.Contact.Create().SetFirstName("Ada").SetEmail("ada@example.com").SetSortName("ada").SetCustomAttributes(object).SaveX(ctx)
	studio := c.Studio.Create().SetName("Studio").SaveX(ctx)
	list := c.List.Create().SetName("Team").SaveX(ctx)
	c.ListMembership.Create().SetContactID(contact.ID).SetListID(list.ID).ExecX(ctx)
	c.StudioMembership.Create().SetContactID(contact.ID).SetStudioID(studio.ID).ExecX(ctx)
	session := c.StudioSession.Create().SetStudioID(studio.ID).SetContactID(contact.ID).SetTokenHash(schema.NewID("hash")).
		SetMetadata(object).SetExpiresAt(later).SaveX(ctx)
	submission := c.Submission.Create().SetStudioID(studio.ID).SetContactID(contact.ID).SetStudioSessionID(session.ID).SaveX(ctx)
	revision := c.Revision.Create().SetSubmissionID(submission.ID).SetNumber(1).SaveX(ctx)
	image := c.Image.Create().SetSubmissionID(submission.ID).SetRevisionID(revision.ID).SetKind("HEADSHOT").SetName("headshot").
		SetWidth(1).SetHeight(1).SetContentType("image/jpeg").SetBytes(1).SetSha256("0").SetBlobKey("x").SaveX(ctx)
	endpoint := c.WebhookEndpoint.Create().SetURL("https://example.com").SetTopics([]string{}).SetStudioID(studio.ID).SaveX(ctx)
	secret := c.WebhookSecret.Create().SetEndpointID(endpoint.ID).SetCiphertext([]byte{1}).SaveX(ctx)
	event := c.Event.Create().SetTopic("TEST").SetSubjectID(submission.ID).SetStudioID(studio.ID).SetContactID(contact.ID).
		SetSubmissionID(submission.ID).SetEndpointID(endpoint.ID).SaveX(ctx)
	delivery := c.Delivery.Create().SetEventID(event.ID).SetEndpointID(endpoint.ID).SaveX(ctx)
	attempt := c.DeliveryAttempt.Create().SetDeliveryID(delivery.ID).SetNumber(1).SetStartedAt(later).SetDurationMs(1).SaveX(ctx)
	user := c.User.Create().SetEmail(schema.NewID("mail")).SaveX(ctx)
	portal := c.PortalSession.Create().SetUserID(user.ID).SetTokenHash(schema.NewID("hash")).SetExpiresAt(later).SaveX(ctx)
	key := c.APIKey.Create().SetName("Key").SetHash(schema.NewID("hash")).SetHint("hr_live_…").SetScopes([]string{}).SaveX(ctx)
	record := c.IdempotencyRecord.Create().SetOwnerID(key.ID).SetKey("k").SetRequestHash("h").SetExpiresAt(later).SaveX(ctx)
	audit := c.AuditEntry.Create().SetActorKind("key").SetActorID(key.ID).SetAction("x").SetSubjectID(contact.ID).SaveX(ctx)

	maps.Copy(w.ids, map[string]string{
		ent.TypeContact: contact.ID, ent.TypeStudio: studio.ID, ent.TypeList: list.ID, ent.TypeStudioSession: session.ID,
		ent.TypeSubmission: submission.ID, ent.TypeRevision: revision.ID, ent.TypeImage: image.ID,
		ent.TypeWebhookEndpoint: endpoint.ID, ent.TypeWebhookSecret: secret.ID, ent.TypeEvent: event.ID,
		ent.TypeDelivery: delivery.ID, ent.TypeDeliveryAttempt: attempt.ID, ent.TypeUser: user.ID,
		ent.TypePortalSession: portal.ID, ent.TypeAPIKey: key.ID, ent.TypeIdempotencyRecord: record.ID, ent.TypeAuditEntry: audit.ID,
	})
	return w
}
