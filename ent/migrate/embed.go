// Package migrate holds the schema as tables, generated, and as versioned SQL.
package migrate

import "embed"

// Migrations holds the versioned SQL that internal/database applies: migrations/<dialect>/<version>_<name>.sql,
// in goose's format. Package migrations in internal/database writes it.
//
//go:embed migrations/sqlite3/*.sql migrations/postgres/*.sql
var Migrations embed.FS
