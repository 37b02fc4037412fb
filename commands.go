package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"headroom/internal/config"
	"headroom/internal/database"
	"headroom/internal/headshot"
)

// program is one run of the binary: its surroundings, so that commands touch nothing global.
type program struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	getenv         func(string) string
	executable     string
	log            *slog.Logger
	json           bool
}

// command is one subcommand. Its flags may stand before or after arguments.
type command struct {
	name, args, short string
	long              string
	hidden            bool
	flags             func(*pflag.FlagSet)
	run               func(ctx context.Context, p *program, f *pflag.FlagSet) error
}

// usageError makes the program end with status 2 and point to --help.
type usageError struct{ error }

func usage(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

func commands() []command {
	return []command{
		{name: "serve", short: "serve the API and work off jobs", long: settingsHelp(), flags: serveFlags, run: serve},
		{name: "demo", short: "serve on ./data after sending a sample portrait through the whole flow", hidden: true, flags: serveFlags, run: demo},
		{name: "migrate", short: "bring the database up to date", run: migrateCommand},
		{name: "account create", args: "NAME", short: "make an account with its test twin, a studio and an API key", flags: accountFlags, run: accountCreate},
		{name: "key create", short: "make an API key", flags: keyFlags, run: keyCreate},
		{name: "enhance", args: "IN…", short: "turn photos into headshots, without a server", flags: enhanceFlags, run: enhanceCommand},
		{name: "enhance-worker", short: "enhance photos from standard input", hidden: true, run: enhanceWorker},
		{name: "models list", short: "list the models and where they come from", run: modelsList},
		{name: "models fetch", args: "PROFILE", short: "fetch what a profile needs", flags: modelsFlags, run: modelsFetch},
		{name: "models verify", short: "check the models against their checksums", run: modelsVerify},
		{name: "models install", short: "put the bundled models and the ONNX Runtime library in place", hidden: true, flags: modelsFlags, run: modelsInstall},
		{name: "version", short: "print the version", run: version},
	}
}

func settingsHelp() string {
	var b strings.Builder
	b.WriteString("Settings, from the environment:\n\n")
	for _, s := range config.Settings() {
		fmt.Fprintf(&b, "  %s\n      %s", s.Name, s.Meaning)
		if s.Default != "" {
			fmt.Fprintf(&b, " (default %s)", s.Default)
		}
		b.WriteString("\n")
	}
	return b.String()
}

// execute finds the command in args and runs it.
func (p *program) execute(ctx context.Context, args []string) error {
	c, rest := find(args)
	if c == nil {
		if len(args) == 0 || args[0] == "help" || args[0] == "--help" || args[0] == "-h" {
			p.help()
			return nil
		}
		return usage("unknown command %q%s", strings.Join(args[:min(2, len(args))], " "), siblings(args[0]))
	}
	f := pflag.NewFlagSet(c.name, pflag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.BoolVar(&p.json, "json", false, "print one JSON document on standard output")
	if c.flags != nil {
		c.flags(f)
	}
	switch err := f.Parse(rest); {
	case errors.Is(err, pflag.ErrHelp):
		_, _ = fmt.Fprintf(p.stdout, "%s\n\n  headroom %s\n\nFlags:\n%s\n%s", c.short,
			strings.TrimSpace(c.name+" "+c.args+" [flags]"), f.FlagUsages(), c.long)
		return nil
	case err != nil:
		return usageError{err}
	}
	if c.args == "" && f.NArg() > 0 {
		return usage("%s takes no arguments, but got %q", c.name, f.Arg(0))
	}
	return c.run(ctx, p, f)
}

func find(args []string) (*command, []string) {
	for _, c := range commands() {
		words := strings.Fields(c.name)
		if len(args) >= len(words) && slices.Equal(args[:len(words)], words) {
			return &c, args[len(words):]
		}
	}
	return nil, nil
}

// siblings names the commands that begin with word, for who left out the second.
func siblings(word string) string {
	var names []string
	for _, c := range commands() {
		if !c.hidden && strings.HasPrefix(c.name, word+" ") {
			names = append(names, c.name)
		}
	}
	if names == nil {
		return ""
	}
	return "; did you mean " + strings.Join(names, ", ") + "?"
}

func (p *program) help() {
	_, _ = fmt.Fprint(p.stdout, "headroom turns people's photos into finished corporate headshots, on your own servers.\n\nCommands:\n")
	for _, c := range commands() {
		if !c.hidden {
			_, _ = fmt.Fprintf(p.stdout, "  %-22s %s\n", strings.TrimSpace(c.name+" "+c.args), c.short)
		}
	}
	_, _ = fmt.Fprint(p.stdout, "\nheadroom COMMAND --help tells more. Every command takes --json.\n")
}

// print writes a result: v as JSON with --json, else text.
func (p *program) print(v any, text string) error {
	if p.json {
		e := json.NewEncoder(p.stdout)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		return e.Encode(v)
	}
	_, err := io.WriteString(p.stdout, text)
	return err
}

// rules opens the database and the rules over it for a command of the operator's.
func (p *program) rules(ctx context.Context) (*headshot.Service, *database.DB, error) {
	c, err := config.Load(p.getenv, p.executable)
	if err != nil {
		return nil, nil, err
	}
	db, err := database.Open(ctx, c.DatabaseURL, database.Config{Log: p.log})
	if err != nil {
		return nil, nil, err
	}
	if _, err := db.Migrate(ctx); err != nil {
		return nil, nil, errors.Join(err, db.Close())
	}
	return headshot.New(headshot.Config{Client: db.Client(), Keys: c.Keys, Now: now, Log: p.log, Bell: silent{}}), db, nil
}

func migrateCommand(ctx context.Context, p *program, _ *pflag.FlagSet) error {
	c, err := config.Load(p.getenv, p.executable)
	if err != nil {
		return err
	}
	db, err := database.Open(ctx, c.DatabaseURL, database.Config{Log: p.log})
	if err != nil {
		return err
	}
	defer p.close("database", db)
	report, err := db.Migrate(ctx)
	if err != nil {
		return err
	}
	text := fmt.Sprintf("the database is up to date (version %d)\n", report.To)
	if len(report.Applied)+len(report.Jobs) > 0 {
		text = fmt.Sprintf("applied %d migrations of ours and %d of the job queue's; the database is at version %d\n",
			len(report.Applied), len(report.Jobs), report.To)
	}
	return p.print(report, text)
}

func accountFlags(f *pflag.FlagSet) {
	f.String("email", "", "log-in of the owner")
	f.String("password", "", "password of the owner, 10 characters or more")
}

func accountCreate(ctx context.Context, p *program, f *pflag.FlagSet) error {
	if f.NArg() != 1 {
		return usage("account create takes one NAME")
	}
	email, _ := f.GetString("email")
	password, _ := f.GetString("password")
	if (email == "") != (password == "") {
		return usage("give both --email and --password, or neither")
	}
	service, db, err := p.rules(ctx)
	if err != nil {
		return err
	}
	defer p.close("database", db)
	made, err := service.CreateAccount(ctx, headshot.AccountInput{Name: f.Arg(0), Email: email, Password: password})
	if err != nil {
		return err
	}
	return p.print(map[string]string{
		"account_id": made.Account.ID, "test_account_id": made.Twin.ID, "studio_id": made.Studio.ID, "api_key": made.APIKey,
	}, fmt.Sprintf("account  %s\nstudio   %s\nAPI key  %s   (shown this once)\n", made.Account.ID, made.Studio.ID, made.APIKey))
}

func keyFlags(f *pflag.FlagSet) {
	f.String("account", "", "id of the account (required)")
	f.String("name", "", "what the key is for (required)")
	f.StringSlice("scopes", nil, "scopes, such as contacts:read,submissions:write, or admin (required)")
	f.Bool("test", false, "make a key of the account's test twin")
	f.Duration("expires-in", 0, "when the key ends; 0 means never")
}

func keyCreate(ctx context.Context, p *program, f *pflag.FlagSet) error {
	account, _ := f.GetString("account")
	in := headshot.KeyInput{}
	in.Name, _ = f.GetString("name")
	in.Scopes, _ = f.GetStringSlice("scopes")
	in.Test, _ = f.GetBool("test")
	if account == "" || in.Name == "" || len(in.Scopes) == 0 {
		return usage("key create needs --account, --name and --scopes")
	}
	if d, _ := f.GetDuration("expires-in"); d < 0 {
		return usage("--expires-in is a time from now, such as 720h")
	} else if d > 0 {
		at := now().Add(d)
		in.ExpiresAt = &at
	}
	service, db, err := p.rules(ctx)
	if err != nil {
		return err
	}
	defer p.close("database", db)
	row, secret, err := service.CreateKeyFor(ctx, account, in)
	if err != nil {
		return err
	}
	return p.print(map[string]string{"id": row.ID, "api_key": secret}, fmt.Sprintf("%s  %s   (shown this once)\n", row.ID, secret))
}

func version(_ context.Context, p *program, _ *pflag.FlagSet) error {
	v := map[string]string{"version": "devel"}
	if info, ok := debug.ReadBuildInfo(); ok {
		v["go"] = info.GoVersion
		if info.Main.Version != "" && info.Main.Version != "(devel)" {
			v["version"] = info.Main.Version
		}
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				v["revision"] = s.Value
			}
		}
	}
	words := slices.DeleteFunc([]string{"headroom", v["version"], v["revision"], v["go"]}, func(s string) bool { return s == "" })
	return p.print(v, strings.Join(words, " ")+"\n")
}

func (p *program) close(what string, c io.Closer) {
	if err := c.Close(); err != nil {
		p.log.Warn("closing failed", "what", what, "error", err)
	}
}

func now() time.Time { return time.Now().UTC() }
