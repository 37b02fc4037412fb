package tenancy

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// ErrRaw means that raw SQL was asked for by an actor other than System.
var ErrRaw = errors.New("tenancy: raw SQL needs the System actor")

// ErrUpsert means an upsert that could change another account's row.
var ErrUpsert = errors.New("tenancy: an upsert must name account_id among its conflict columns and not set it")

// ErrMove means an update of account_id.
var ErrMove = errors.New("tenancy: a row cannot change its account")

// Raw refuses raw SQL, which no filter is put on, to every actor but System.
func Raw(ctx context.Context) error {
	if a, ok := From(ctx); !ok || a.Kind != System {
		return ErrRaw
	}
	return nil
}

// Statement looks at a statement that ent built, just before it runs, for what the hook on
// mutations cannot see, because it is set on the builder:
//
//   - OnConflict: the row in conflict may be another account's, where the constraint is not within
//     an account. DO NOTHING is harmless.
//   - Modify on an update: it can set account_id.
//
// System is not held back.
func Statement(ctx context.Context, query string) error {
	if len(query) < 6 || (query[:6] != "INSERT" && query[:6] != "UPDATE") {
		return nil
	}
	if a, ok := From(ctx); ok && a.Kind == System {
		return nil
	}
	if query[0] == 'U' {
		sets, _, _ := strings.Cut(query, " WHERE ")
		if strings.Contains(sets, "account_id") {
			return fmt.Errorf("%w: %s", ErrMove, sets)
		}
		return nil
	}
	_, conflict, ok := strings.Cut(query, " ON CONFLICT ")
	if !ok || strings.HasPrefix(conflict, "DO NOTHING") {
		return nil
	}
	columns, action, ok := strings.Cut(conflict, ") DO ")
	if ok && strings.HasPrefix(action, "NOTHING") {
		return nil
	}
	if !ok || !strings.Contains(columns, "account_id") || setsAccount(action) {
		return fmt.Errorf("%w: ON CONFLICT %s", ErrUpsert, conflict)
	}
	return nil
}

// setsAccount says whether the action of an upsert gives account_id a value other than the one the
// row in conflict has already.
func setsAccount(action string) bool {
	for _, quote := range []string{"`", `"`} {
		action = strings.ReplaceAll(action, quote, "")
	}
	action = strings.ReplaceAll(action, "account_id = excluded.account_id", "")
	return strings.Contains(action, "account_id")
}
