// Package config turns the environment into one struct. It is the only reader of environment
// variables, and Settings is the only list of them: help texts and the README derive from it.
package config

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	"headroom/internal/auth"
)

// Config is everything that can be set from outside.
type Config struct {
	Addr           string // listen address; port 0 picks one
	Data           string // folder of the embedded defaults
	DatabaseURL    string
	StorageURL     string
	Keys           *auth.Keys
	BaseURL        string // empty: from the listen address
	Models         string // folder of models and the ONNX Runtime library
	Profile        string // empty: the best present
	EnhanceWorkers int

	BootstrapKey, BootstrapEmail, BootstrapPassword string

	WebhooksAllowPrivate bool
	Introspection        bool
}

// Setting is one environment variable.
type Setting struct{ Name, Default, Meaning string }

// Settings lists every environment variable that Load reads.
func Settings() []Setting {
	return []Setting{
		{"HEADROOM_ADDR", "127.0.0.1:8080", "listen address; port 0 picks a free one and prints it"},
		{"HEADROOM_DATA", "./data", "folder for the embedded defaults: database, photos, secret key"},
		{"HEADROOM_DATABASE_URL", "sqlite:<data>/headroom.db", "or postgres://user:password@host/name"},
		{"HEADROOM_STORAGE_URL", "file://<data>/photos", "or s3://bucket?region=… (gs:// and azblob:// in builds with the tags storage_gs and storage_azure)"},
		{"HEADROOM_SECRET_KEY", "", "32 bytes in base64; every other key derives from it; required with PostgreSQL"},
		{"HEADROOM_SECRET_KEY_FILE", "<data>/secret.key", "a file that holds the secret key; made with mode 0600 when missing and the database is SQLite"},
		{"HEADROOM_BASE_URL", "from the listen address", "how browsers and webhook receivers reach the server"},
		{"HEADROOM_BOOTSTRAP_KEY", "", "on an empty database: make an account, a studio and an admin API key of exactly this value"},
		{"HEADROOM_BOOTSTRAP_EMAIL", "", "on an empty database: the owner's log-in"},
		{"HEADROOM_BOOTSTRAP_PASSWORD", "", "on an empty database: the owner's password, 10 characters or more"},
		{"HEADROOM_MODELS", "models/ beside bin/", "folder of the models and the ONNX Runtime library"},
		{"HEADROOM_PROFILE", "best present", "matting profile: standard, portrait or custom"},
		{"HEADROOM_ENHANCE_WORKERS", "half the processors", "photos enhanced at the same time"},
		{"HEADROOM_WEBHOOKS_ALLOW_PRIVATE", "false", "true lifts the address, scheme and port rules of webhook URLs"},
		{"HEADROOM_GRAPHQL_INTROSPECTION", "on", "off refuses introspection for everybody"},
	}
}

// Load reads the environment through getenv. executable is the path of the running program, beside
// which models are looked for. Errors name the variable at fault.
func Load(getenv func(string) string, executable string) (Config, error) {
	c := Config{
		Addr:              cmp.Or(getenv("HEADROOM_ADDR"), "127.0.0.1:8080"),
		Data:              cmp.Or(getenv("HEADROOM_DATA"), "./data"),
		DatabaseURL:       getenv("HEADROOM_DATABASE_URL"),
		StorageURL:        getenv("HEADROOM_STORAGE_URL"),
		BaseURL:           strings.TrimRight(getenv("HEADROOM_BASE_URL"), "/"),
		Models:            Models(getenv, executable),
		Profile:           getenv("HEADROOM_PROFILE"),
		BootstrapKey:      getenv("HEADROOM_BOOTSTRAP_KEY"),
		BootstrapEmail:    getenv("HEADROOM_BOOTSTRAP_EMAIL"),
		BootstrapPassword: getenv("HEADROOM_BOOTSTRAP_PASSWORD"),
	}
	data, err := filepath.Abs(c.Data)
	if err != nil {
		return c, fmt.Errorf("HEADROOM_DATA: %w", err)
	}
	c.Data = data
	c.DatabaseURL = cmp.Or(c.DatabaseURL, "sqlite:"+filepath.Join(data, "headroom.db"))
	c.StorageURL = cmp.Or(c.StorageURL, "file://"+filepath.ToSlash(filepath.Join(data, "photos")))
	return c, errors.Join(c.checkAddresses(), c.readFlags(getenv), c.readSecret(getenv))
}

// Models is the folder of models and the ONNX Runtime library: HEADROOM_MODELS, or models/ beside the
// folder of the program.
func Models(getenv func(string) string, executable string) string {
	return cmp.Or(getenv("HEADROOM_MODELS"), filepath.Join(filepath.Dir(filepath.Dir(executable)), "models"))
}

func (c *Config) checkAddresses() error {
	if _, _, err := net.SplitHostPort(c.Addr); err != nil {
		return fmt.Errorf("HEADROOM_ADDR: %w", err)
	}
	if c.BaseURL != "" {
		u, err := url.Parse(c.BaseURL)
		if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
			return fmt.Errorf("HEADROOM_BASE_URL: %q is not an http or https address", c.BaseURL)
		}
	}
	if !c.SQLite() && !strings.HasPrefix(c.DatabaseURL, "postgres://") && !strings.HasPrefix(c.DatabaseURL, "postgresql://") {
		return errors.New("HEADROOM_DATABASE_URL: must start with sqlite: or postgres://")
	}
	if _, err := url.Parse(c.DatabaseURL); err != nil && !c.SQLite() { // its text is not told: it may hold a password
		return errors.New("HEADROOM_DATABASE_URL: is not an address; a %, /, ? or # in the password is written as %25, %2F, %3F or %23")
	}
	if (c.BootstrapEmail == "") != (c.BootstrapPassword == "") {
		return errors.New("HEADROOM_BOOTSTRAP_EMAIL and HEADROOM_BOOTSTRAP_PASSWORD: give both or neither")
	}
	return nil
}

func (c *Config) readFlags(getenv func(string) string) error {
	c.EnhanceWorkers = max(1, runtime.NumCPU()/2)
	if v := getenv("HEADROOM_ENHANCE_WORKERS"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil || n < 1 || n > 256 {
			return fmt.Errorf("HEADROOM_ENHANCE_WORKERS: %q is not a number from 1 to 256", v)
		}
		c.EnhanceWorkers = n
	}
	allow, err := strconv.ParseBool(cmp.Or(getenv("HEADROOM_WEBHOOKS_ALLOW_PRIVATE"), "false"))
	if err != nil {
		return errors.New("HEADROOM_WEBHOOKS_ALLOW_PRIVATE: must be true or false")
	}
	c.WebhooksAllowPrivate = allow
	switch v := cmp.Or(getenv("HEADROOM_GRAPHQL_INTROSPECTION"), "on"); v {
	case "on", "off":
		c.Introspection = v == "on"
	default:
		return fmt.Errorf("HEADROOM_GRAPHQL_INTROSPECTION: %q is neither on nor off", v)
	}
	return nil
}

// SQLite says whether the database is the embedded one.
func (c *Config) SQLite() bool { return strings.HasPrefix(c.DatabaseURL, "sqlite:") }

func (c *Config) readSecret(getenv func(string) string) error {
	if text := getenv("HEADROOM_SECRET_KEY"); text != "" {
		keys, err := auth.ParseKeys(text)
		if err != nil {
			return fmt.Errorf("HEADROOM_SECRET_KEY: %w", err)
		}
		c.Keys = keys
		return nil
	}
	named := getenv("HEADROOM_SECRET_KEY_FILE")
	path := cmp.Or(named, filepath.Join(c.Data, "secret.key"))
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		if !c.SQLite() {
			return errors.New("HEADROOM_SECRET_KEY or HEADROOM_SECRET_KEY_FILE: required with PostgreSQL, the same on every node " +
				"(make one: head -c 32 /dev/urandom | base64)")
		}
		text, err = makeSecret(path)
	}
	if err != nil {
		return fmt.Errorf("HEADROOM_SECRET_KEY_FILE: %w", err)
	}
	if c.Keys, err = auth.ParseKeys(string(text)); err != nil {
		return fmt.Errorf("HEADROOM_SECRET_KEY_FILE %s: %w", path, err)
	}
	return nil
}

// makeSecret writes a new secret key with mode 0600. Of two processes that start at once, one makes
// the file and the other reads it: a link fails when the name is taken, and is never half written.
func makeSecret(path string) ([]byte, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	text, err := auth.NewSecretKey()
	if err != nil {
		return nil, err
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), ".secret-*") // mode 0600
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.Remove(tmp.Name()) }()
	_, err = tmp.WriteString(text + "\n")
	if err = errors.Join(err, tmp.Sync(), tmp.Close()); err != nil {
		return nil, err
	}
	if err := os.Link(tmp.Name(), path); err != nil && !errors.Is(err, os.ErrExist) {
		return nil, err
	}
	return os.ReadFile(path)
}
