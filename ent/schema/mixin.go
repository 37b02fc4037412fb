// Package schema models the nouns of the product: fields, edges and indexes, and nothing else.
// Rules live in internal/headshot, the account filter in internal/tenancy.
package schema

import (
	"crypto/rand"
	"strings"
	"sync"

	"entgo.io/ent"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
	"entgo.io/ent/schema/mixin"
	"github.com/oklog/ulid/v2"
)

// idSource makes ULIDs that sort by creation within this process.
type idSource struct {
	mu      sync.Mutex
	entropy *ulid.MonotonicEntropy
}

func (s *idSource) next() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	id, err := ulid.New(ulid.Now(), s.entropy)
	if err != nil { // the monotonic counter ran over within one millisecond: start it anew
		s.entropy = ulid.Monotonic(rand.Reader, 0)
		id = ulid.MustNew(ulid.Now(), s.entropy)
	}
	return strings.ToLower(id.String())
}

//nolint:gochecknoglobals // ent default functions take no argument, so their source must be shared
var ids = &idSource{entropy: ulid.Monotonic(rand.Reader, 0)}

// NewID returns prefix, an underscore and a lower-case ULID (26 characters). Ids of one process sort by creation.
func NewID(prefix string) string { return prefix + "_" + ids.next() }

// row gives every noun an id with the noun's prefix and a creation time.
type row struct {
	mixin.Schema
	prefix string
}

func (r row) Fields() []ent.Field {
	prefix := r.prefix
	return []ent.Field{
		field.String("id").Immutable().MaxLen(40).DefaultFunc(func() string { return NewID(prefix) }),
		field.Time("created_at").Immutable().Default(Now).Annotations(orderField("CREATED_AT")),
	}
}

// owned rows belong to one account; internal/tenancy filters by this column and sets it.
type owned struct{ mixin.Schema }

func (owned) Fields() []ent.Field {
	return []ent.Field{field.String("account_id").Immutable().NotEmpty().MaxLen(40)}
}

// changeable rows carry a version that each change raises by one, for ETag and If-Match.
type changeable struct{ mixin.Schema }

func (changeable) Fields() []ent.Field {
	return []ent.Field{
		field.Time("updated_at").Default(Now).UpdateDefault(Now).Annotations(orderField("UPDATED_AT")),
		field.Int("version").Default(1).NonNegative(),
	}
}

// byOrder is the composite index behind one keyset order (and its equality filters) within an account.
func byOrder(fields ...string) ent.Index {
	return index.Fields(append(append([]string{"account_id"}, fields...), "id")...)
}
