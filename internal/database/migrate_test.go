package database_test

import (
	"sync"
	"testing"

	"headroom/internal/database"
	"headroom/internal/database/dbtest"
)

func TestSmoke(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		if err := db.Ready(t.Context()); err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		wg.Wait()
	})
}
