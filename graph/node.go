package graph

import (
	"context"
	"maps"
	"strings"

	"headroom/ent"
	"headroom/ent/account"
	"headroom/ent/apikey"
	"headroom/ent/auditentry"
	"headroom/ent/contact"
	"headroom/ent/delivery"
	"headroom/ent/deliveryattempt"
	"headroom/ent/event"
	"headroom/ent/image"
	"headroom/ent/list"
	"headroom/ent/revision"
	"headroom/ent/studio"
	"headroom/ent/studiosession"
	"headroom/ent/submission"
	"headroom/ent/user"
	"headroom/ent/webhookendpoint"
	"headroom/internal/headshot"
)

// kind is a noun that node(id:) finds by its ids' prefix.
type kind struct {
	scope string
	load  func(ctx context.Context, ids []string) (map[string]ent.Noder, error)
}

// kinds lists the nouns by prefix.
func (r *Resolver) kinds() map[string]kind {
	c := r.Client
	return map[string]kind{
		"acc": {"account:read", func(ctx context.Context, ids []string) (map[string]ent.Noder, error) {
			return byID(c.Account.Query().Where(account.IDIn(ids...)).All(ctx))(func(n *ent.Account) string { return n.ID })
		}},
		"usr": {"admin", func(ctx context.Context, ids []string) (map[string]ent.Noder, error) {
			return byID(c.User.Query().Where(user.IDIn(ids...)).All(ctx))(func(n *ent.User) string { return n.ID })
		}},
		"key": {"admin", func(ctx context.Context, ids []string) (map[string]ent.Noder, error) {
			return byID(c.APIKey.Query().Where(apikey.IDIn(ids...)).All(ctx))(func(n *ent.APIKey) string { return n.ID })
		}},
		"aud": {"account:read", func(ctx context.Context, ids []string) (map[string]ent.Noder, error) {
			return byID(c.AuditEntry.Query().Where(auditentry.IDIn(ids...)).All(ctx))(func(n *ent.AuditEntry) string { return n.ID })
		}},
		"stu": {"studios:read", func(ctx context.Context, ids []string) (map[string]ent.Noder, error) {
			return byID(c.Studio.Query().Where(studio.IDIn(ids...)).All(ctx))(func(n *ent.Studio) string { return n.ID })
		}},
		"lst": {"lists:read", func(ctx context.Context, ids []string) (map[string]ent.Noder, error) {
			return byID(c.List.Query().Where(list.IDIn(ids...)).All(ctx))(func(n *ent.List) string { return n.ID })
		}},
		"ctn": {"contacts:read", func(ctx context.Context, ids []string) (map[string]ent.Noder, error) {
			q := c.Contact.Query().Where(contact.IDIn(ids...))
			pickContact(ctx, q, selection(ctx))
			return byID(q.All(ctx))(func(n *ent.Contact) string { return n.ID })
		}},
		"ses": {"sessions:read", func(ctx context.Context, ids []string) (map[string]ent.Noder, error) {
			q := c.StudioSession.Query().Where(studiosession.IDIn(ids...))
			pickSession(ctx, q, selection(ctx))
			return byID(q.All(ctx))(func(n *ent.StudioSession) string { return n.ID })
		}},
		"sub": {"submissions:read", func(ctx context.Context, ids []string) (map[string]ent.Noder, error) {
			q := c.Submission.Query().Where(submission.IDIn(ids...))
			pickSubmission(ctx, q, selection(ctx))
			return byID(q.All(ctx))(func(n *ent.Submission) string { return n.ID })
		}},
		"rev": {"submissions:read", func(ctx context.Context, ids []string) (map[string]ent.Noder, error) {
			q := c.Revision.Query().Where(revision.IDIn(ids...))
			pickRevision(ctx, q, selection(ctx))
			return byID(q.All(ctx))(func(n *ent.Revision) string { return n.ID })
		}},
		"img": {"submissions:read", func(ctx context.Context, ids []string) (map[string]ent.Noder, error) {
			return byID(c.Image.Query().Where(image.IDIn(ids...)).All(ctx))(func(n *ent.Image) string { return n.ID })
		}},
		"whe": {"webhooks:read", func(ctx context.Context, ids []string) (map[string]ent.Noder, error) {
			q := c.WebhookEndpoint.Query().Where(webhookendpoint.IDIn(ids...))
			pickEndpoint(ctx, q, selection(ctx))
			return byID(q.All(ctx))(func(n *ent.WebhookEndpoint) string { return n.ID })
		}},
		"dlv": {"webhooks:read", func(ctx context.Context, ids []string) (map[string]ent.Noder, error) {
			q := c.Delivery.Query().Where(delivery.IDIn(ids...))
			pickDelivery(ctx, q, selection(ctx))
			return byID(q.All(ctx))(func(n *ent.Delivery) string { return n.ID })
		}},
		"dla": {"webhooks:read", func(ctx context.Context, ids []string) (map[string]ent.Noder, error) {
			return byID(c.DeliveryAttempt.Query().Where(deliveryattempt.IDIn(ids...)).All(ctx))(func(n *ent.DeliveryAttempt) string { return n.ID })
		}},
		"evt": {"events:read", func(ctx context.Context, ids []string) (map[string]ent.Noder, error) {
			return byID(c.Event.Query().Where(event.IDIn(ids...)).All(ctx))(func(n *ent.Event) string { return n.ID })
		}},
	}
}

func byID[N any, T interface {
	*N
	ent.Noder
}](rows []T, err error) func(id func(T) string) (map[string]ent.Noder, error) {
	return func(id func(T) string) (map[string]ent.Noder, error) {
		out := make(map[string]ent.Noder, len(rows))
		for _, row := range rows {
			out[id(row)] = row
		}
		return out, err
	}
}

// nodes finds rows by id, with one query a noun. There is nil where there is no such row, be it
// unknown or another account's.
func (r *Resolver) nodes(ctx context.Context, ids []string) ([]ent.Noder, error) {
	a, err := actor(ctx)
	if err != nil {
		return nil, err
	}
	byPrefix := map[string][]string{}
	for _, id := range ids {
		prefix, _, _ := strings.Cut(id, "_")
		byPrefix[prefix] = append(byPrefix[prefix], id)
	}
	kinds, found := r.kinds(), map[string]ent.Noder{}
	for prefix, some := range byPrefix {
		k, ok := kinds[prefix]
		if !ok {
			continue
		}
		if !a.Can(k.scope) {
			return nil, &headshot.Error{Kind: headshot.Forbidden, Code: "insufficient_scope", Msg: "this needs the scope " + k.scope}
		}
		rows, err := k.load(ctx, some)
		if err != nil {
			return nil, err
		}
		maps.Copy(found, rows)
	}
	return each(ids, func(id string) ent.Noder { return found[id] }), nil
}
