// Package migrations writes the versioned SQL of ent/migrate/migrations from the ent schema. It is a
// tool of development; the program itself only embeds and applies what it wrote.
//
// After a change to ent/schema and `go generate ./ent`:
//
//	go test ./internal/database/migrations -run TestMigrationsMatchSchema -write add_shoe_size
//
// writes NNNNN_add_shoe_size.sql for both databases. Read them before committing: a renamed column, for
// one, looks like a dropped and an added one. atlas.sum pins the files, as an applied migration must
// not change.
package migrations

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"text/template"

	atlas "ariga.io/atlas/sql/migrate"
	"ariga.io/atlas/sql/sqltool"
	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"
	"entgo.io/ent/dialect/sql/schema"
	"entgo.io/ent/schema/field"
	"github.com/pressly/goose/v3"

	"headroom/ent/migrate"
)

// Diff replays the migrations of dir on dev, an empty database, compares the outcome with the ent
// schema, and writes what is missing as version_name.sql into dir. It returns whether anything was.
// dev is left empty.
func Diff(ctx context.Context, name string, dev *sql.DB, dir string, version int64, title string) (bool, error) {
	files, err := sqltool.NewGooseDir(dir)
	if err != nil {
		return false, fmt.Errorf("open %s: %w", dir, err)
	}
	format, err := formatter(version)
	if err != nil {
		return false, err
	}
	m, err := schema.NewMigrate(entsql.OpenDB(name, dev),
		schema.WithDir(files), schema.WithFormatter(format), schema.WithMigrationMode(schema.ModeReplay),
		schema.WithDialect(name), schema.WithDropColumn(true), schema.WithDropIndex(true), schema.WithErrNoPlan(true))
	if err != nil {
		return false, fmt.Errorf("diff: %w", err)
	}
	err = m.NamedDiff(ctx, title, Tables(name)...)
	if errors.Is(err, atlas.ErrNoPlan) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("diff: %w", err)
	}
	return true, nil
}

// Next is the version after the last of dirs.
func Next(dirs ...string) (int64, error) {
	var last int64
	for _, dir := range dirs {
		files, err := filepath.Glob(filepath.Join(dir, "*.sql"))
		if err != nil {
			return 0, fmt.Errorf("list %s: %w", dir, err)
		}
		for _, file := range files {
			version, err := goose.NumericComponent(file)
			if err != nil {
				return 0, fmt.Errorf("version of %s: %w", file, err)
			}
			last = max(last, version)
		}
	}
	return last + 1, nil
}

// Tables is the ent schema for one database: a copy, since ent marks the tables it works on.
//
// On PostgreSQL every text column compares by bytes (COLLATE "C"), as SQLite does: ids, cursors and
// pages sort alike on both, whatever locale the database was made with.
func Tables(name string) []*schema.Table {
	c := copier{dialect: name, tables: map[*schema.Table]*schema.Table{}, columns: map[*schema.Column]*schema.Column{}}
	for _, table := range migrate.Tables {
		c.table(table)
	}
	out := make([]*schema.Table, 0, len(migrate.Tables))
	for _, table := range migrate.Tables {
		c.references(table)
		out = append(out, c.tables[table])
	}
	return out
}

// copier copies tables with what points from one to another: keys and indexes to columns, foreign
// keys to tables.
type copier struct {
	dialect string
	tables  map[*schema.Table]*schema.Table
	columns map[*schema.Column]*schema.Column
}

func (c *copier) table(from *schema.Table) {
	to := schema.NewTable(from.Name).SetComment(from.Comment)
	to.Schema, to.Annotation = from.Schema, from.Annotation
	for _, column := range from.Columns {
		made := &schema.Column{
			Name: column.Name, Type: column.Type, SchemaType: column.SchemaType, Attr: column.Attr, Size: column.Size,
			Unique: column.Unique, Increment: column.Increment, Nullable: column.Nullable, Default: column.Default,
			Enums: column.Enums, Collation: column.Collation, Comment: column.Comment,
		}
		if c.dialect == dialect.Postgres && (column.Type == field.TypeString || column.Type == field.TypeEnum) {
			made.Collation = "C"
		}
		c.columns[column] = made
		to.Columns = append(to.Columns, made)
	}
	to.PrimaryKey = c.all(from.PrimaryKey)
	for _, index := range from.Indexes {
		to.Indexes = append(to.Indexes, &schema.Index{
			Name: index.Name, Unique: index.Unique, Columns: c.all(index.Columns), Annotation: index.Annotation,
		})
	}
	c.tables[from] = to
}

func (c *copier) references(from *schema.Table) {
	to := c.tables[from]
	for _, key := range from.ForeignKeys {
		to.ForeignKeys = append(to.ForeignKeys, &schema.ForeignKey{
			Symbol: key.Symbol, Columns: c.all(key.Columns), RefTable: c.tables[key.RefTable],
			RefColumns: c.all(key.RefColumns), OnUpdate: key.OnUpdate, OnDelete: key.OnDelete,
		})
	}
}

func (c *copier) all(columns []*schema.Column) []*schema.Column {
	out := make([]*schema.Column, len(columns))
	for i, column := range columns {
		out[i] = c.columns[column]
	}
	return out
}

// formatter writes goose's format. It has no way down: a release goes back by restoring the backup
// made before it, which also brings back the rows that a dropped column held.
func formatter(version int64) (atlas.Formatter, error) {
	title := template.New("").Funcs(template.FuncMap{"version": func() string { return fmt.Sprintf("%05d", version) }})
	name, err := title.Parse(`{{ version }}_{{ .Name }}.sql`)
	if err != nil {
		return nil, fmt.Errorf("format: %w", err)
	}
	body, err := template.New("").Funcs(template.FuncMap{"statements": statements}).Parse("-- +goose Up\n" +
		`{{ range statements .Changes }}{{ with .Comment }}-- {{ println . }}{{ end }}{{ printf "%s;\n" .Cmd }}{{ end }}`)
	if err != nil {
		return nil, fmt.Errorf("format: %w", err)
	}
	format, err := atlas.NewTemplateFormatter(name, body)
	if err != nil {
		return nil, fmt.Errorf("format: %w", err)
	}
	return format, nil
}

// statements leaves out what SQLite ignores inside a transaction: the migrator itself turns the
// checking of foreign keys off, and looks for dangling ones in the end.
func statements(changes []*atlas.Change) []*atlas.Change {
	return slices.DeleteFunc(slices.Clone(changes), func(change *atlas.Change) bool {
		return strings.HasPrefix(change.Cmd, "PRAGMA foreign_keys")
	})
}
