package database

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"

	"headroom/internal/tenancy"
)

// router is ent's way to the database. It sends reads outside of transactions to the read pool and
// looks at statements that the hooks of tenancy cannot see: raw SQL and upserts.
type router struct {
	*entsql.Driver                // the write pool
	read           *entsql.Driver // the read pool
}

func newRouter(d *DB) *router {
	return &router{entsql.OpenDB(d.Dialect, d.Write), entsql.OpenDB(d.Dialect, d.Read)}
}

// pool chooses by the first word. ent also uses Query for INSERT … RETURNING, and WITH may begin
// either, so only SELECT is a read.
func (d *router) pool(query string) *entsql.Driver {
	if strings.HasPrefix(query, "SELECT") {
		return d.read
	}
	return d.Driver
}

func (d *router) Query(ctx context.Context, query string, args, v any) error {
	if err := tenancy.Statement(ctx, query); err != nil {
		return err
	}
	return d.pool(query).Query(ctx, query, args, v) //nolint:wrapcheck // ent tells errors apart
}

func (d *router) Exec(ctx context.Context, query string, args, v any) error {
	if err := tenancy.Statement(ctx, query); err != nil {
		return err
	}
	return d.Driver.Exec(ctx, query, args, v) //nolint:wrapcheck // ent tells errors apart
}

func (d *router) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if err := tenancy.Raw(ctx); err != nil {
		return nil, err
	}
	return d.pool(query).QueryContext(ctx, query, args...) //nolint:wrapcheck // the caller's statement
}

func (d *router) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	if err := tenancy.Raw(ctx); err != nil {
		return nil, err
	}
	return d.Driver.ExecContext(ctx, query, args...) //nolint:wrapcheck // the caller's statement
}

func (d *router) Tx(ctx context.Context) (dialect.Tx, error) { return d.BeginTx(ctx, nil) }

// BeginTx begins a transaction. A read-only one sees one state of the database throughout; on
// SQLite it does not keep writers waiting.
func (d *router) BeginTx(ctx context.Context, opts *sql.TxOptions) (dialect.Tx, error) {
	from := d.Driver
	if opts != nil && opts.ReadOnly && d.Dialect() == dialect.SQLite {
		from = d.read
	}
	begun, err := from.BeginTx(ctx, opts)
	if err != nil {
		return nil, fmt.Errorf("begin a transaction: %w", err)
	}
	tx, ok := begun.(*entsql.Tx)
	if !ok {
		return nil, fmt.Errorf("begin a transaction: unexpected %T", begun)
	}
	inner, ok := tx.Tx.(*sql.Tx)
	if !ok {
		return nil, fmt.Errorf("begin a transaction: unexpected %T", tx.Tx)
	}
	return &transaction{Tx: tx, inner: inner}, nil
}

// transaction is router for one transaction: all its statements stay in it.
type transaction struct {
	*entsql.Tx
	inner *sql.Tx
}

// SQLTx lets other libraries write in the same transaction; see Tx.SQLTx in package ent.
func (t *transaction) SQLTx() *sql.Tx { return t.inner }

func (t *transaction) Query(ctx context.Context, query string, args, v any) error {
	if err := tenancy.Statement(ctx, query); err != nil {
		return err
	}
	return t.Tx.Query(ctx, query, args, v) //nolint:wrapcheck // ent tells errors apart
}

func (t *transaction) Exec(ctx context.Context, query string, args, v any) error {
	if err := tenancy.Statement(ctx, query); err != nil {
		return err
	}
	return t.Tx.Exec(ctx, query, args, v) //nolint:wrapcheck // ent tells errors apart
}

func (t *transaction) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if err := tenancy.Raw(ctx); err != nil {
		return nil, err
	}
	return t.inner.QueryContext(ctx, query, args...) //nolint:wrapcheck // the caller's statement
}

func (t *transaction) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	if err := tenancy.Raw(ctx); err != nil {
		return nil, err
	}
	return t.inner.ExecContext(ctx, query, args...) //nolint:wrapcheck // the caller's statement
}
