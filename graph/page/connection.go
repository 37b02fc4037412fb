package page

import "context"

// Connection is one page.
type Connection[T any] struct {
	rows   []*T
	info   Info
	cursor func(*T) string
	count  func(context.Context) (int, error)
}

// Edge is a row in a page.
type Edge[T any] struct {
	Node   *T
	cursor func(*T) string
}

// Info says where a page stands. Cursors are nil where there is nothing to point to.
type Info struct {
	HasNextPage, HasPreviousPage bool
	StartCursor, EndCursor       *string
	NextCursor, PreviousCursor   *string
	HasMore                      bool
}

// Nodes gives the rows.
func (c *Connection[T]) Nodes() []*T { return c.rows }

// Edges gives the rows with their cursors.
func (c *Connection[T]) Edges() []*Edge[T] {
	edges := make([]*Edge[T], len(c.rows))
	for i, row := range c.rows {
		edges[i] = &Edge[T]{Node: row, cursor: c.cursor}
	}
	return edges
}

// Cursor says where the row stands.
func (e *Edge[T]) Cursor() string { return e.cursor(e.Node) }

// PageInfo says where the page stands.
func (c *Connection[T]) PageInfo() *Info {
	info := c.info
	if len(c.rows) == 0 {
		return &info
	}
	start, end := c.cursor(c.rows[0]), c.cursor(c.rows[len(c.rows)-1])
	info.StartCursor, info.EndCursor = &start, &end
	if info.HasNextPage {
		info.NextCursor = &end
	}
	if info.HasPreviousPage {
		info.PreviousCursor = &start
	}
	return &info
}

// TotalCount counts the rows of the whole connection, up to 10,001.
func (c *Connection[T]) TotalCount(ctx context.Context) (int, error) { return c.count(ctx) }
