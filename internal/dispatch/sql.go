package dispatch

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"
	"strings"
	"time"

	"entgo.io/ent/dialect"
)

// statement builds SQL. Parameters are bare question marks on SQLite: it would take PostgreSQL's $1 as names,
// which it looks up one by one, so that a statement of 6,000 of them takes seconds to prepare.
type statement struct {
	text     strings.Builder
	args     []any
	postgres bool
}

func newStatement(name string) *statement { return &statement{postgres: name == dialect.Postgres} }

func (s *statement) add(text string) *statement {
	s.text.WriteString(text)
	return s
}

// arg adds a parameter.
func (s *statement) arg(v any) *statement {
	s.args = append(s.args, v)
	if !s.postgres {
		return s.add("?")
	}
	return s.add("$" + strconv.Itoa(len(s.args)))
}

// list adds a parenthesised list of parameters.
func (s *statement) list(values []string) *statement {
	s.add("(")
	for i, v := range values {
		if i > 0 {
			s.add(", ")
		}
		s.arg(v)
	}
	return s.add(")")
}

// values adds VALUES rows. PostgreSQL learns the types of the columns from casts in the first row; SQLite
// would take a cast to a type it does not know as a number.
func (s *statement) values(rows [][]any, types ...string) *statement {
	s.add("VALUES ")
	for i, row := range rows {
		if i > 0 {
			s.add(", ")
		}
		s.add("(")
		for j, v := range row {
			if j > 0 {
				s.add(", ")
			}
			if s.postgres && i == 0 {
				s.add("CAST(").arg(v).add(" AS " + types[j] + ")")
			} else {
				s.arg(v)
			}
		}
		s.add(")")
	}
	return s
}

type execer interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

func (s *statement) exec(ctx context.Context, db execer) (int64, error) {
	res, err := db.ExecContext(ctx, s.text.String(), s.args...)
	if err != nil {
		return 0, err //nolint:wrapcheck // the caller says what it was for
	}
	n, err := res.RowsAffected()
	if err != nil {
		return 0, fmt.Errorf("count changed rows: %w", err)
	}
	return n, nil
}

// strings runs a query that returns one text column.
func (s *statement) strings(ctx context.Context, db querier) ([]string, error) {
	var out []string
	err := s.each(ctx, db, func(rows *sql.Rows) error {
		var v string
		if err := rows.Scan(&v); err != nil {
			return err //nolint:wrapcheck // the caller says what it was for
		}
		out = append(out, v)
		return nil
	})
	return out, err
}

func (s *statement) each(ctx context.Context, db querier, scan func(*sql.Rows) error) (err error) {
	rows, err := db.QueryContext(ctx, s.text.String(), s.args...)
	if err != nil {
		return err //nolint:wrapcheck // the caller says what it was for
	}
	defer func() {
		if closeErr := rows.Close(); err == nil {
			err = closeErr
		}
	}()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err() //nolint:wrapcheck // the caller says what it was for
}

// alarm rings once, at the earliest of the times set.
type alarm struct {
	set chan time.Time
}

func newAlarm() *alarm { return &alarm{set: make(chan time.Time, 64)} }

// at asks for a ring. Too many at once are dropped: the poll finds what is due.
func (a *alarm) at(t time.Time) {
	select {
	case a.set <- t:
	default:
	}
}

// nullable gives nil for the zero value, which stands for NULL.
func nullable[T comparable](v T) any {
	var zero T
	if v == zero {
		return nil
	}
	return v
}

// clip makes a text fit for a column: valid UTF-8 without NUL, which PostgreSQL refuses, of at most limit bytes.
func clip(s string, limit int) string {
	s = strings.ReplaceAll(s, "\x00", "")
	if len(s) > limit {
		s = s[:limit]
	}
	return strings.ToValidUTF8(s, "")
}
