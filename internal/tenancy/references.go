package tenancy

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"entgo.io/ent/dialect/sql"

	"headroom/ent"
)

// ReferenceError means that a write referred to a row that is not there for the account: it does not
// exist, or is another account's; the two look the same.
type ReferenceError struct {
	Names []string // the fields or edges at fault, such as "studio_id" or "submissions"
	Type  string   // what they refer to, such as "Studio"
}

func (e *ReferenceError) Error() string {
	return fmt.Sprintf("tenancy: %s: no such %s", strings.Join(e.Names, ", "), e.Type)
}

// ErrNoRule means that a field or edge looks like a reference and this package does not know it.
var ErrNoRule = errors.New("tenancy: no rule for this reference")

// fieldTarget says what a field refers to: the ent type, or "" when it refers to nothing that has to be
// the account's. Names mean the same in all tables. ok is false for a name that looks like a
// reference and is not listed; writing it fails, so that a new one cannot be forgotten.
func fieldTarget(name string) (typ string, ok bool) {
	switch name {
	case "contact_id":
		return ent.TypeContact, true
	case "list_id":
		return ent.TypeList, true
	case "studio_id":
		return ent.TypeStudio, true
	case "studio_session_id":
		return ent.TypeStudioSession, true
	case "submission_id", "replaces_id":
		return ent.TypeSubmission, true
	case "revision_id", "complete_revision_id":
		return ent.TypeRevision, true
	case "endpoint_id":
		return ent.TypeWebhookEndpoint, true
	case "event_id":
		return ent.TypeEvent, true
	case "delivery_id":
		return ent.TypeDelivery, true
	case "user_id":
		return ent.TypeUser, true
	case "account_id": // set by the hook
		return "", true
	case "external_id", "request_id": // strangers' and transient ids
		return "", true
	case "subject_id", "actor_id", "owner_id": // notes about rows of many kinds, which may be gone; never followed
		return "", true
	case "live_account_id": // written when an account is made, which only System may
		return "", true
	}
	return "", !strings.HasSuffix(name, "_id")
}

// edgeTarget is fieldTarget for edges, every one of which must be listed.
func edgeTarget(name string) (typ string, ok bool) {
	switch name {
	case "contact", "contacts":
		return ent.TypeContact, true
	case "list", "lists":
		return ent.TypeList, true
	case "studio", "studios":
		return ent.TypeStudio, true
	case "studio_session", "studio_sessions":
		return ent.TypeStudioSession, true
	case "submission", "submissions":
		return ent.TypeSubmission, true
	case "revision", "revisions":
		return ent.TypeRevision, true
	case "images":
		return ent.TypeImage, true
	case "endpoint", "webhook_endpoints":
		return ent.TypeWebhookEndpoint, true
	case "secrets":
		return ent.TypeWebhookSecret, true
	case "event":
		return ent.TypeEvent, true
	case "delivery", "deliveries":
		return ent.TypeDelivery, true
	case "attempts":
		return ent.TypeDeliveryAttempt, true
	case "user":
		return ent.TypeUser, true
	case "portal_sessions":
		return ent.TypePortalSession, true
	}
	return "", false
}

// references checks every id that m writes as a reference, with one COUNT for each table.
func references(ctx context.Context, a Actor, m mutation) error {
	refs, err := collect(m)
	if err != nil {
		return err
	}
	for _, typ := range slices.Sorted(maps.Keys(refs)) {
		err := owned(ctx, a, m.Client(), typ, refs[typ].ids)
		if e, ok := errors.AsType[*ReferenceError](err); ok {
			e.Names = refs[typ].names
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// reference is what a mutation writes of one type: the ids, and the fields and edges where they stand
// first (an edge with a field of its own is in both).
type reference struct{ names, ids []string }

// refs is what a mutation refers to, by type.
type refs map[string]*reference

func (r refs) add(m mutation, name, typ string, value any) error {
	id, ok := value.(string)
	if !ok {
		return fmt.Errorf("%w: %s of %s is a %T", ErrNoRule, name, m.Type(), value)
	}
	if r[typ] == nil {
		r[typ] = &reference{}
	}
	if of := r[typ]; !slices.Contains(of.ids, id) {
		of.ids, of.names = append(of.ids, id), append(of.names, name)
	}
	return nil
}

func collect(m mutation) (refs, error) {
	refs := refs{}
	for _, name := range m.Fields() {
		typ, ok := fieldTarget(name)
		if !ok {
			return nil, fmt.Errorf("%w: %s of %s", ErrNoRule, name, m.Type())
		}
		if typ == "" {
			continue
		}
		value, _ := m.Field(name)
		if err := refs.add(m, name, typ, value); err != nil {
			return nil, err
		}
	}
	for _, name := range m.AddedEdges() {
		typ, ok := edgeTarget(name)
		if !ok {
			return nil, fmt.Errorf("%w: edge %s of %s", ErrNoRule, name, m.Type())
		}
		for _, value := range m.AddedIDs(name) {
			if err := refs.add(m, name, typ, value); err != nil {
				return nil, err
			}
		}
	}
	for _, r := range refs {
		slices.Sort(r.names)
		r.names = slices.Compact(r.names)
	}
	return refs, nil
}

// owned fails with a ReferenceError unless ids are of rows of the actor's account.
func owned(ctx context.Context, a Actor, c *ent.Client, typ string, ids []string) error {
	known, _ := ctx.Value(memoryKey{}).(*memory)
	ids = known.unknown(a.AccountID, typ, ids)
	if len(ids) == 0 {
		return nil
	}
	n, err := count(ctx, c, typ, ids)
	if err != nil {
		return fmt.Errorf("tenancy: check %s: %w", typ, err)
	}
	if n != len(ids) {
		return &ReferenceError{Type: typ}
	}
	known.add(a.AccountID, typ, ids)
	return nil
}

// Remember returns ctx with a memory of what was checked: references to a row that was checked or
// created under it are not checked again. For batches, which refer to the same few rows many times;
// it should not outlive one transaction. A row cannot change its account, and one deleted in the
// meantime is still caught by its foreign key.
func Remember(ctx context.Context) context.Context {
	return context.WithValue(ctx, memoryKey{}, &memory{known: map[[3]string]bool{}})
}

type memoryKey struct{}

// memory is a set of (account, type, id). A nil memory remembers nothing.
type memory struct {
	mu    sync.Mutex
	known map[[3]string]bool
}

func (k *memory) unknown(account, typ string, ids []string) []string {
	if k == nil {
		return ids
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return k.known[[3]string{account, typ, id}] })
}

func (k *memory) add(account, typ string, ids []string) {
	if k == nil {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, id := range ids {
		k.known[[3]string{account, typ, id}] = true
	}
}

// remember notes a row just created.
func remember(ctx context.Context, a Actor, m ent.Mutation) {
	known, _ := ctx.Value(memoryKey{}).(*memory)
	if one, ok := m.(interface{ ID() (string, bool) }); ok && known != nil {
		if id, ok := one.ID(); ok {
			known.add(a.AccountID, m.Type(), []string{id})
		}
	}
}

// count counts the rows of a type with these ids that the actor of ctx can see.
func count(ctx context.Context, c *ent.Client, typ string, ids []string) (int, error) {
	switch typ {
	case ent.TypeAPIKey:
		return among(ctx, c.APIKey.Query(), ids)
	case ent.TypeAccount:
		return among(ctx, c.Account.Query(), ids)
	case ent.TypeAuditEntry:
		return among(ctx, c.AuditEntry.Query(), ids)
	case ent.TypeContact:
		return among(ctx, c.Contact.Query(), ids)
	case ent.TypeDelivery:
		return among(ctx, c.Delivery.Query(), ids)
	case ent.TypeDeliveryAttempt:
		return among(ctx, c.DeliveryAttempt.Query(), ids)
	case ent.TypeEvent:
		return among(ctx, c.Event.Query(), ids)
	case ent.TypeIdempotencyRecord:
		return among(ctx, c.IdempotencyRecord.Query(), ids)
	case ent.TypeImage:
		return among(ctx, c.Image.Query(), ids)
	case ent.TypeList:
		return among(ctx, c.List.Query(), ids)
	case ent.TypePortalSession:
		return among(ctx, c.PortalSession.Query(), ids)
	case ent.TypeRevision:
		return among(ctx, c.Revision.Query(), ids)
	case ent.TypeStudio:
		return among(ctx, c.Studio.Query(), ids)
	case ent.TypeStudioSession:
		return among(ctx, c.StudioSession.Query(), ids)
	case ent.TypeSubmission:
		return among(ctx, c.Submission.Query(), ids)
	case ent.TypeUser:
		return among(ctx, c.User.Query(), ids)
	case ent.TypeWebhookEndpoint:
		return among(ctx, c.WebhookEndpoint.Query(), ids)
	case ent.TypeWebhookSecret:
		return among(ctx, c.WebhookSecret.Query(), ids)
	}
	return 0, fmt.Errorf("%w: type %s", ErrNoRule, typ)
}

// query is what count needs of every generated query.
type query[Q any, P ~func(*sql.Selector)] interface {
	Where(...P) Q
	Count(context.Context) (int, error)
}

func among[Q query[Q, P], P ~func(*sql.Selector)](ctx context.Context, q Q, ids []string) (int, error) {
	return q.Where(P(sql.FieldIn("id", ids...))).Count(ctx)
}
