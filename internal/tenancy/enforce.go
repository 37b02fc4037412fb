package tenancy

import (
	"context"
	"errors"
	"fmt"

	stdent "entgo.io/ent"
	"entgo.io/ent/dialect"
	"entgo.io/ent/dialect/sql"

	"headroom/ent"
	"headroom/ent/intercept"
)

// ErrNoActor means that the context carries no actor, or one that does not say whom it acts for.
// It is always a mistake of the program: nothing is read or written without one.
var ErrNoActor = errors.New("tenancy: no actor in the context")

// ErrReadOnly means a write by an actor that may not make it: a capture actor any write at all (the
// service checks what it asks for and then writes [AsWorker]), and anybody but System to accounts
// themselves beyond changing their own.
var ErrReadOnly = errors.New("tenancy: the actor may not write this")

// Enforce puts the rule on a client and on everything made from it, such as its transactions:
//
//   - Every query, eager loads and traversals included, sees only rows of the actor's account; an
//     account sees itself. A capture actor sees only the rows of its session ([filter]).
//   - Creating sets account_id, whatever was set before. Updating and deleting reach only the
//     account's rows; others are "not found".
//   - Every id written as a reference, be it through an edge or a plain field, must be of a row of
//     the account ([ReferenceError]). That costs one COUNT for each table referred to.
//   - System is not held back, and must say account_id itself.
//
// Conditions on edges (HasStudiosWith) become subqueries that carry no filter of their own. They need
// none: what they are joined by was checked when it was written, so a row of the account never
// reaches one of another.
//
// To put a contact into a list or studio, create the ListMembership or StudioMembership: through the
// edge (AddListIDs) ent would write that row itself, without an account, and the database refuses.
//
// What hooks cannot see is judged by [Statement] and [Raw], which internal/database calls.
func Enforce(c *ent.Client) {
	c.Intercept(intercept.TraverseFunc(func(ctx context.Context, q intercept.Query) error {
		a, err := actor(ctx)
		if err != nil || a.Kind == System {
			return err
		}
		q.WhereP(filter(a, q.Type()))
		return nil
	}))
	c.Use(func(next ent.Mutator) ent.Mutator {
		return ent.MutateFunc(func(ctx context.Context, m ent.Mutation) (ent.Value, error) {
			a, err := actor(ctx)
			if err != nil {
				return nil, err
			}
			if a.Kind == System {
				return next.Mutate(ctx, m)
			}
			if err := confine(ctx, a, m); err != nil {
				return nil, fmt.Errorf("%s %s: %w", m.Op(), m.Type(), err)
			}
			v, err := next.Mutate(ctx, m)
			if err == nil && m.Op().Is(ent.OpCreate) {
				remember(ctx, a, m)
			}
			return v, err
		})
	})
}

// actor returns the actor of ctx when it is one that rows can be filtered by.
func actor(ctx context.Context) (Actor, error) {
	a, ok := From(ctx)
	if !ok {
		return a, ErrNoActor
	}
	switch a.Kind {
	case System:
		return a, nil
	case Key, User, Worker:
		if a.AccountID == "" {
			return a, fmt.Errorf("%w: %s without an account", ErrNoActor, a.Kind)
		}
		return a, nil
	case Capture:
		if a.AccountID == "" || a.SessionID == "" || a.ContactID == "" || a.StudioID == "" {
			return a, fmt.Errorf("%w: capture without its account, session, contact and studio", ErrNoActor)
		}
		return a, nil
	default:
		return a, fmt.Errorf("%w: unknown kind %q", ErrNoActor, a.Kind)
	}
}

// filter is the condition on the rows of type typ that a may see.
func filter(a Actor, typ string) func(*sql.Selector) {
	if a.Kind == Capture {
		return captureFilter(a, typ)
	}
	if typ == ent.TypeAccount {
		return sql.FieldEQ("id", a.AccountID)
	}
	return inAccount(a)
}

// inAccount is `account_id = ?`. SQLite keeps no statistics unless it is told to, and guesses that an
// account has ten rows; so it would answer `id IN (?, ?) AND account_id = ?` by going through all
// rows of the account. likelihood tells it otherwise: one row in a hundred, which is more than any list
// of ids gives and still less than the whole table (TestPlansOnSQLite).
func inAccount(a Actor) func(*sql.Selector) {
	return func(s *sql.Selector) {
		column := s.C("account_id") // now: as a step of a traversal, s gets another name later
		if s.Dialect() != dialect.SQLite {
			s.Where(sql.EQ(column, a.AccountID))
			return
		}
		s.Where(sql.P(func(b *sql.Builder) {
			b.WriteString("likelihood(").Ident(column).WriteOp(sql.OpEQ).Arg(a.AccountID).WriteString(", 0.01)")
		}))
	}
}

// captureFilter lets the holder of a capture link see their session, its contact and studio, and what
// was handed in through it. Fields within a row are the API's to choose.
func captureFilter(a Actor, typ string) func(*sql.Selector) {
	var rows func(*sql.Selector)
	switch typ {
	case ent.TypeStudioSession:
		rows = sql.FieldEQ("id", a.SessionID)
	case ent.TypeContact:
		rows = sql.FieldEQ("id", a.ContactID)
	case ent.TypeStudio:
		rows = sql.FieldEQ("id", a.StudioID)
	case ent.TypeSubmission:
		rows = sql.FieldEQ("studio_session_id", a.SessionID)
	case ent.TypeRevision, ent.TypeImage:
		rows = func(s *sql.Selector) {
			t := sql.Table("submissions")
			s.Where(sql.In(s.C("submission_id"), sql.Select(t.C("id")).From(t).Where(sql.And(
				sql.EQ(t.C("studio_session_id"), a.SessionID), sql.EQ(t.C("account_id"), a.AccountID)))))
		}
	default:
		return func(s *sql.Selector) { s.Where(sql.False()) }
	}
	return func(s *sql.Selector) {
		rows(s)
		inAccount(a)(s)
	}
}

// mutation is what every generated mutation offers beyond ent.Mutation.
type mutation interface {
	ent.Mutation
	Client() *ent.Client
	WhereP(...func(*sql.Selector))
}

// confine keeps one mutation to the actor's account.
func confine(ctx context.Context, a Actor, generic ent.Mutation) error {
	m, ok := generic.(mutation)
	if !ok {
		return fmt.Errorf("tenancy: cannot filter a %T", generic)
	}
	switch {
	case a.Kind == Capture:
		return ErrReadOnly
	case m.Type() == ent.TypeAccount && !m.Op().Is(ent.OpUpdate|ent.OpUpdateOne):
		return ErrReadOnly
	case m.Op().Is(ent.OpCreate):
		if err := m.SetField("account_id", a.AccountID); err != nil {
			return fmt.Errorf("tenancy: set the account: %w", err)
		}
	default:
		if id, ok := m.Field("account_id"); ok && id != a.AccountID {
			return ErrMove
		}
		m.WhereP(filter(a, m.Type()))
		if err := visible(ctx, m); err != nil {
			return err
		}
	}
	return references(ctx, a, m)
}

// visible looks whether the row of an UpdateOne is there for the actor, where ent itself does not: it
// puts the filter on the UPDATE of the row's columns only. Without any, it would still change the
// rows at the other end of edges, and return the row.
func visible(ctx context.Context, m mutation) error {
	if !m.Op().Is(stdent.OpUpdateOne) {
		return nil
	}
	edges := len(m.AddedEdges()) + len(m.RemovedEdges()) + len(m.ClearedEdges())
	fields := len(m.Fields()) + len(m.AddedFields()) + len(m.ClearedFields())
	if edges == 0 && fields > 0 {
		return nil
	}
	one, ok := m.(interface{ ID() (string, bool) })
	if !ok {
		return errors.New("tenancy: a row with a composite key is not updated but replaced")
	}
	id, ok := one.ID()
	if !ok {
		return errors.New("tenancy: update of one row without its id")
	}
	n, err := count(ctx, m.Client(), m.Type(), []string{id})
	if err != nil {
		return err
	}
	if n == 0 {
		return fmt.Errorf("%s: %w", id, &ent.NotFoundError{})
	}
	return nil
}
