package page

import (
	"context"
	"fmt"
	"slices"

	"entgo.io/ent/dialect/sql"

	"headroom/internal/headshot"
)

// Max is the largest page, and the page size that costs are reckoned with when none is given.
const Max = 100

// countMax is where totalCount stops counting.
const countMax = 10_001

// Args ask for one page: First or Last is required, 1 to Max.
type Args struct {
	First, Last   *int
	After, Before *string
}

// Request is a page of one connection in one order.
type Request[T any] struct {
	Args
	Scope Scope
	Order Order[T]
}

// Query is what ent's generated queries have in common.
type Query[Q any, P, O ~func(*sql.Selector), T, S any] interface {
	Where(...P) Q
	Order(...O) Q
	Limit(int) Q
	All(context.Context) ([]*T, error)
	Count(context.Context) (int, error)
	Clone() Q
	Modify(...func(*sql.Selector)) S
}

func (a Args) size() (int, error) {
	bad := func(field, msg string) error {
		return &headshot.Error{Kind: headshot.BadUserInput, Field: field, Code: "out_of_range", Msg: msg}
	}
	switch {
	case (a.First == nil) == (a.Last == nil):
		return 0, bad("first", "give either first or last")
	case a.First != nil && (*a.First < 1 || *a.First > Max):
		return 0, bad("first", fmt.Sprintf("is between 1 and %d", Max))
	case a.Last != nil && (*a.Last < 1 || *a.Last > Max):
		return 0, bad("last", fmt.Sprintf("is between 1 and %d", Max))
	case a.First != nil:
		return *a.First, nil
	}
	return *a.Last, nil
}

// plan is a request worked out: where the page begins, which way it runs, how long it is.
type plan[T any] struct {
	Request[T]
	binding []byte
	size    int
	desc    bool // direction of reading, which `last` turns round
	after   *place
	before  *place
}

type place struct {
	value any
	id    string
}

func newPlan[T any](c *Cursors, in Request[T]) (*plan[T], error) {
	size, err := in.size()
	if err != nil {
		return nil, err
	}
	p := &plan[T]{Request: in, binding: in.Scope.binding(in.Order.Name), size: size, desc: in.Order.Desc != (in.Last != nil)}
	if p.after, err = p.place(c, in.After, "after"); err != nil {
		return nil, err
	}
	p.before, err = p.place(c, in.Before, "before")
	return p, err
}

func (p *plan[T]) place(c *Cursors, cursor *string, field string) (*place, error) {
	if cursor == nil {
		return nil, nil
	}
	raw, id, err := c.open(p.binding, *cursor, field)
	if err != nil {
		return nil, err
	}
	v, err := p.Order.read(raw)
	if err != nil {
		return nil, fmt.Errorf("cursor of order %s: %w", p.Order.Name, err)
	}
	return &place{value: v, id: id}, nil
}

// between keeps the rows strictly behind the cursor after and before the cursor before.
func (p *plan[T]) between(s *sql.Selector) {
	columns := []string{s.C(p.Order.Column), s.C("id")}
	beyond := func(at *place, greater bool) {
		if at == nil {
			return
		}
		if greater {
			s.Where(sql.CompositeGT(columns, at.value, at.id))
		} else {
			s.Where(sql.CompositeLT(columns, at.value, at.id))
		}
	}
	beyond(p.after, !p.Order.Desc)
	beyond(p.before, p.Order.Desc)
}

func (p *plan[T]) present(s *sql.Selector) {
	if p.Order.NotNull {
		s.Where(sql.NotNull(s.C(p.Order.Column)))
	}
}

func (p *plan[T]) sort(s *sql.Selector) {
	for _, column := range []string{p.Order.Column, "id"} {
		if p.desc {
			s.OrderBy(sql.Desc(s.C(column)))
		} else {
			s.OrderBy(sql.Asc(s.C(column)))
		}
	}
}

// connection makes the page of rows, which were read in the plan's direction with one row over.
func (p *plan[T]) connection(c *Cursors, rows []*T, count func(context.Context) (int, error)) *Connection[T] {
	more := len(rows) > p.size
	rows = slices.Clone(rows[:min(len(rows), p.size)])
	out := &Connection[T]{
		rows: rows, count: count,
		cursor: func(row *T) string { v, id := p.Order.key(row); return c.seal(p.binding, v, id) },
	}
	if p.Last != nil {
		slices.Reverse(rows)
		out.info = Info{HasPreviousPage: more, HasNextPage: p.before != nil, HasMore: more}
	} else {
		out.info = Info{HasNextPage: more, HasPreviousPage: p.after != nil, HasMore: more}
	}
	return out
}

// Load reads one page of q with one statement.
//
// Errors: BadUserInput for a size out of range or a cursor that is not of this connection (invalid_cursor).
func Load[Q Query[Q, P, O, T, S], P, O ~func(*sql.Selector), T, S any](ctx context.Context, c *Cursors, q Q, in Request[T]) (*Connection[T], error) {
	p, err := newPlan(c, in)
	if err != nil {
		return nil, err
	}
	q.Where(P(p.present))
	all := q.Clone()
	rows, err := q.Where(P(p.between)).Order(O(p.sort)).Limit(p.size + 1).All(ctx)
	if err != nil {
		return nil, fmt.Errorf("page of %s: %w", in.Scope.Connection, err)
	}
	return p.connection(c, rows, func(ctx context.Context) (int, error) { return count(ctx, all) }), nil
}
