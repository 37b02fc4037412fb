package page

import (
	"context"
	"fmt"

	"entgo.io/ent/dialect/sql"
)

// Nestable says whether in can be read for many parents at once. A request with a cursor, which
// belongs to one parent, or with a fault, which its own field reports, cannot.
func Nestable[T any](in Request[T]) bool {
	_, err := in.size()
	return err == nil && in.After == nil && in.Before == nil
}

// Nest makes q, which loads an edge of many parents with one statement, read the first page of each.
// parent is the column of q's table that names the parent. in must be Nestable.
func Nest[Q Query[Q, P, O, T, S], P, O ~func(*sql.Selector), T, S any](q Q, parent string, in Request[T]) {
	size, _ := in.size()
	p := &plan[T]{Request: in, size: size, desc: in.Order.Desc != (in.Last != nil)}
	q.Where(P(p.present))
	q.Modify(p.perParent(parent))
}

// perParent numbers the rows of each parent in the plan's order and keeps one more than the page holds.
func (p *plan[T]) perParent(parent string) func(*sql.Selector) {
	return func(s *sql.Selector) {
		d := sql.Dialect(s.Dialect())
		s.SetDistinct(false)
		order := sql.Asc
		if p.desc {
			order = sql.Desc
		}
		rank := sql.RowNumber().PartitionBy(parent).OrderBy(order(p.Order.Column), order("id"))
		with := d.With("all_rows").As(s.Clone()).
			With("ranked_rows").As(d.Select("*").AppendSelectExprAs(rank, "row_rank").From(d.Table("all_rows")))
		t := d.Table("ranked_rows").As(s.TableName())
		*s = *d.Select(s.UnqualifiedColumns()...).From(t).
			Where(sql.LTE(t.C("row_rank"), p.size+1)).OrderBy(t.C("row_rank")).Prefix(with)
	}
}

// Nested makes the page of one parent from rows that Nest's query loaded for it. all counts.
func Nested[T any](c *Cursors, rows []*T, in Request[T], all func(context.Context) (int, error)) (*Connection[T], error) {
	p, err := newPlan(c, in)
	if err != nil {
		return nil, err
	}
	return p.connection(c, rows, all), nil
}

// Count counts the rows of q, and stops at 10,001.
func Count[Q Query[Q, P, O, T, S], P, O ~func(*sql.Selector), T, S any](ctx context.Context, q Q, in Request[T]) (int, error) {
	p := plan[T]{Request: in}
	return count(ctx, q.Where(P(p.present)))
}

func count[Q Query[Q, P, O, T, S], P, O ~func(*sql.Selector), T, S any](ctx context.Context, q Q) (int, error) {
	// A modifier sees the finished selector, the account filter included: it puts the limit inside the count.
	q.Modify(func(s *sql.Selector) {
		d := sql.Dialect(s.Dialect())
		inner := s.Clone().Select(s.C("id")).Limit(countMax).As(s.TableName()) // ent goes on naming its columns so
		*s = *d.Select().From(inner)
	})
	n, err := q.Count(ctx)
	if err != nil {
		return 0, fmt.Errorf("count: %w", err)
	}
	return n, nil
}
