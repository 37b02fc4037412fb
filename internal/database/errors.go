package database

import (
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"syscall"

	"entgo.io/ent/dialect/sql/schema"
	"github.com/lib/pq"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"headroom/ent/migrate"
)

// IsUnique says whether err is a row that would have been there twice. See [Duplicate] for which.
func IsUnique(err error) bool {
	if e, ok := errors.AsType[*pq.Error](err); ok {
		return e.Code == "23505" // unique_violation
	}
	switch sqliteCode(err) {
	case sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY, sqlite3.SQLITE_CONSTRAINT_ROWID:
		return true
	}
	return false
}

// Duplicate returns the columns that had to be unique together, such as ["account_id" "email"], and
// whether err is such an error at all. The columns are nil when the constraint is not one of ent's.
func Duplicate(err error) (columns []string, ok bool) {
	if !IsUnique(err) {
		return nil, false
	}
	if e, ok := errors.AsType[*pq.Error](err); ok {
		return constraintColumns(e.Table, e.Constraint), true
	}
	// SQLite tells the columns in words only: `… UNIQUE constraint failed: contacts.account_id, contacts.email (2067)`.
	e, _ := errors.AsType[*sqlite.Error](err)
	_, list, found := strings.Cut(e.Error(), "constraint failed: ")
	if i := strings.LastIndex(list, " ("); i >= 0 {
		list = list[:i]
	}
	if i := strings.LastIndex(list, ": "); i >= 0 {
		list = list[i+2:]
	}
	if !found {
		return nil, true
	}
	for column := range strings.SplitSeq(list, ", ") {
		_, name, _ := strings.Cut(column, ".")
		columns = append(columns, name)
	}
	return columns, true
}

// constraintColumns finds a unique constraint of a table by the names that the migrations give.
func constraintColumns(table, constraint string) []string {
	i := slices.IndexFunc(migrate.Tables, func(t *schema.Table) bool { return t.Name == table })
	if i < 0 {
		return nil
	}
	var names []string
	for _, column := range migrate.Tables[i].Columns {
		if constraint == table+"_"+column.Name+"_key" {
			return []string{column.Name}
		}
	}
	for _, index := range migrate.Tables[i].Indexes {
		if index.Name == constraint {
			for _, column := range index.Columns {
				names = append(names, column.Name)
			}
			return names
		}
	}
	if constraint == table+"_pkey" {
		for _, column := range migrate.Tables[i].PrimaryKey {
			names = append(names, column.Name)
		}
	}
	return names
}

// IsDiskFull says whether err is that the database had no room left to write.
func IsDiskFull(err error) bool {
	if e, ok := errors.AsType[*pq.Error](err); ok {
		return e.Code == "53100" // disk_full
	}
	return primary(sqliteCode(err)) == sqlite3.SQLITE_FULL || errors.Is(err, syscall.ENOSPC)
}

// IsUnavailable says whether err is the database's state and not the statement's fault, so that the
// same may succeed later: no connection, shutting down, too many connections, a lock not had in
// time, a deadlock or a serialisation failure. A context that ended is not that.
func IsUnavailable(err error) bool {
	if e, ok := errors.AsType[*pq.Error](err); ok {
		switch e.Code {
		case "53100": // disk_full, which does not pass by itself
			return false
		case "57P01", "57P02", "57P03", // shutting down, crashed, starting up
			"40001", "40P01", "55P03", // serialization_failure, deadlock_detected, lock_not_available
			"25006": // read_only_sql_transaction: a standby, before the name moves to the new primary
			return true
		}
		return e.Code.Class() == "08" || e.Code.Class() == "53" // connection exceptions, insufficient resources
	}
	switch primary(sqliteCode(err)) {
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN:
		return true
	}
	_, isNet := errors.AsType[*net.OpError](err)
	return isNet || errors.Is(err, driver.ErrBadConn) || errors.Is(err, sql.ErrConnDone) || errors.Is(err, io.ErrUnexpectedEOF)
}

// sqliteCode is the extended result code, or 0 when err does not come from SQLite.
func sqliteCode(err error) int {
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		return e.Code()
	}
	return 0
}

// primary is the result code without its extension.
func primary(code int) int { return code & 0xff }

// IsForeignKey says whether err is a reference to a row that is not there, or a deletion of one that
// is still referred to.
func IsForeignKey(err error) bool {
	if e, ok := errors.AsType[*pq.Error](err); ok {
		return e.Code == "23503" // foreign_key_violation
	}
	return sqliteCode(err) == sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY
}
