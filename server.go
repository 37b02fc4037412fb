// Command headroom turns people's photos into finished corporate headshots: an API server, its
// workers, and the operator's tools, in one binary. This file wires the rooms together; it holds no
// rules.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/pflag"

	"headroom/enhance"
	"headroom/enhance/models"
	"headroom/ent"
	"headroom/ent/schema"
	"headroom/graph"
	"headroom/internal/auth"
	"headroom/internal/blobs"
	"headroom/internal/config"
	"headroom/internal/database"
	"headroom/internal/dispatch"
	"headroom/internal/events"
	"headroom/internal/headshot"
	"headroom/internal/jobs"
	"headroom/rest"
	"headroom/webhooks"
)

func main() {
	executable, err := os.Executable()
	if err != nil {
		executable = os.Args[0]
	}
	p := &program{
		stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, executable: executable,
		getenv: os.Getenv, //nolint:forbidigo // handed on to internal/config, the one reader
		log:    slog.New(slog.NewTextHandler(os.Stderr, nil)),
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer context.AfterFunc(ctx, stop)() // the second Ctrl-C ends the program at once
	err = p.execute(ctx, os.Args[1:])
	stop()
	if err == nil {
		return
	}
	_, _ = fmt.Fprintln(os.Stderr, "headroom: "+err.Error())
	if _, ok := errors.AsType[usageError](err); ok {
		_, _ = fmt.Fprintln(os.Stderr, "headroom --help tells more")
		os.Exit(2)
	}
	os.Exit(1)
}

func serveFlags(f *pflag.FlagSet) {
	f.String("role", "all", "api, worker or all")
}

func serve(ctx context.Context, p *program, f *pflag.FlagSet) error {
	role, _ := f.GetString("role")
	return p.serve(ctx, role, nil)
}

// server is the rooms of one node, wired.
type server struct {
	config  config.Config
	base    string // base URL
	log     *slog.Logger
	node    *os.File // the locked file of the node's id; nil when another process has it
	db      *database.DB
	client  *ent.Client
	blobs   *blobs.Store
	events  *events.Events
	pool    *enhance.Pool // nil on an API node
	jobs    *jobs.Jobs
	rules   *headshot.Service
	auth    *auth.Authenticator
	sender  *webhooks.Sender
	graph   *graph.Handler
	deliver *dispatch.Dispatch // nil on an API node
	handler http.Handler

	streams    context.Context // of subscriptions, which otherwise would end with their clients only
	endStreams context.CancelFunc
}

// serve runs a node until ctx ends, then drains it. ready, when given, is called once requests are taken.
func (p *program) serve(ctx context.Context, role string, ready func(ctx context.Context, s *server) error) (err error) {
	if role != "all" && role != "api" && role != "worker" {
		return usage("--role is api, worker or all, not %q", role)
	}
	c, err := config.Load(p.getenv, p.executable)
	if err != nil {
		return err
	}
	// Listening comes first: links need the port, which may be picked here.
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", c.Addr)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", c.Addr, err)
	}
	s := &server{config: c, base: baseURL(c, listener), log: p.log}
	s.streams, s.endStreams = context.WithCancel(context.WithoutCancel(ctx))
	defer s.endStreams()
	defer func() { err = errors.Join(err, s.close()) }()
	if err := s.wire(ctx, p, role); err != nil {
		return errors.Join(err, listener.Close())
	}
	if err := s.bootstrap(ctx); err != nil {
		return errors.Join(err, listener.Close())
	}
	return s.run(ctx, p, listener, ready)
}

func baseURL(c config.Config, l net.Listener) string {
	if c.BaseURL != "" {
		return c.BaseURL
	}
	host, port, _ := net.SplitHostPort(l.Addr().String())
	if ip := net.ParseIP(host); ip == nil || ip.IsUnspecified() {
		host = "localhost"
	}
	return "http://" + net.JoinHostPort(host, port)
}

// wire opens what the node stands on and puts the parts together. Nothing runs yet.
func (s *server) wire(ctx context.Context, p *program, role string) (err error) {
	c := s.config
	if s.db, err = database.Open(ctx, c.DatabaseURL, database.Config{Log: s.log}); err != nil {
		return err
	}
	if _, err = s.db.Migrate(ctx); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	s.client = s.db.Client()
	s.blobs, err = blobs.Open(ctx, c.StorageURL, blobs.Config{SigningKey: c.Keys.URLs(), BaseURL: s.base, Now: now})
	if err != nil {
		return err
	}
	node, held, err := takeNodeID(c.Data)
	if s.node = held; err != nil {
		return err
	}
	works := role != "api"
	s.events = events.New(s.db, s.client, events.Config{Logger: s.log})
	s.auth = auth.New(s.client, s.log, now)
	s.sender = webhooks.NewSender(webhooks.Config{AllowPrivate: c.WebhooksAllowPrivate, Logger: s.log, Now: now})
	if err := s.wireJobs(p, node, works); err != nil {
		return err
	}
	s.rules = headshot.New(headshot.Config{
		Client: s.client, Blobs: s.blobs, Queue: s.jobs, Bell: s.events, Enhancer: enhancer{s.pool}, Admit: admitPhoto,
		CheckLook: checkLook, Deliveries: dispatch.Deliveries{}, Keys: c.Keys, Now: now, Log: s.log,
		BaseURL: func() string { return s.base }, OnKeyRevoked: s.auth.Forget,
		CheckURL: func(ctx context.Context, raw string) error { _, err := s.sender.CheckTarget(ctx, raw); return err },
	})
	if err := s.wireFaces(ctx, role); err != nil {
		return err
	}
	if !works {
		return nil
	}
	s.deliver, err = dispatch.New(s.db, s.client, sender{s.sender, s.base}, secrets{s.rules},
		renderer{rest.NewRenderer(s.graph)}, s.events, dispatch.Config{NodeID: node, NextRetry: nextRetry, Logger: s.log})
	return err
}

func (s *server) wireJobs(p *program, node string, works bool) (err error) {
	cfg := jobs.Config{Logger: s.log}
	if works {
		// A missing or altered model is an error now, not at the first photo.
		if _, err := models.Open(s.config.Models); err != nil {
			return fmt.Errorf("models: %w", err)
		}
		s.pool, err = enhance.NewPool(enhance.PoolConfig{
			Command: []string{p.executable, "enhance-worker"}, Size: s.config.EnhanceWorkers, Logger: s.log,
			Engine: enhance.Config{ModelsDir: s.config.Models, Profile: s.config.Profile},
		})
		if err != nil {
			return err
		}
		cfg = jobs.Config{
			NodeID: node, Bell: s.events, Logger: s.log, EnhanceWorkers: s.config.EnhanceWorkers, MaxAttempts: 3,
			Enhance: func(ctx context.Context, accountID, revisionID string, _ int, last bool) error {
				return s.rules.Enhance(ctx, accountID, revisionID, last)
			},
			Periodic: []jobs.Periodic{{Name: "expire sessions", Every: time.Minute, Run: func(ctx context.Context) error {
				return s.rules.ExpireSessions(ctx)
			}}},
		}
	}
	s.jobs, err = jobs.New(s.db, cfg)
	return err
}

// takeNodeID names this node for leases: the same after a restart, so that it takes its own work back at
// once. A second process on the same data folder gets a name of its own, or it would take the first's.
// The file is locked until it is closed.
func takeNodeID(data string) (id string, held *os.File, err error) {
	if err := os.MkdirAll(data, 0o700); err != nil {
		return "", nil, fmt.Errorf("data folder: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(data, "node.id"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return "", nil, fmt.Errorf("node id: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return schema.NewID("node"), nil, f.Close()
	}
	known, err := io.ReadAll(io.LimitReader(f, 64))
	if id = strings.TrimSpace(string(known)); err == nil && id == "" {
		id = schema.NewID("node")
		_, err = f.WriteString(id + "\n")
	}
	if err != nil {
		return "", nil, errors.Join(fmt.Errorf("node id: %w", err), f.Close())
	}
	return id, f, nil
}

func (s *server) bootstrap(ctx context.Context) error {
	c := s.config
	if c.BootstrapKey == "" && c.BootstrapEmail == "" {
		return nil
	}
	made, err := s.rules.Bootstrap(ctx, headshot.AccountInput{
		Name: "Headroom", Key: c.BootstrapKey, Email: c.BootstrapEmail, Password: c.BootstrapPassword,
	})
	if err != nil {
		return fmt.Errorf("bootstrap: %w", err)
	}
	if made {
		s.log.InfoContext(ctx, "made the first account")
	}
	return nil
}

// crew is what runs side by side. The first that fails stops the others.
type crew struct {
	stop context.CancelFunc // makes the work end
	wg   sync.WaitGroup

	mu  sync.Mutex
	err error
}

// fail notes an error and makes the work end.
func (c *crew) fail(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.err = errors.Join(c.err, err)
	c.stop()
}

func (c *crew) start(name string, run func() error) {
	c.wg.Go(func() {
		if err := run(); err != nil {
			c.fail(fmt.Errorf("%s: %w", name, err))
		}
	})
}

// run serves and works until ctx ends: then requests end first, work after them, and the enhancer's
// processes, which the work uses, at last.
func (s *server) run(ctx context.Context, p *program, l net.Listener, ready func(context.Context, *server) error) error {
	working, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	work := &crew{stop: stop}
	poolEnd := s.startPool(ctx, work)
	work.start("events", func() error { return s.events.Run(working) })
	work.start("jobs", func() error { return s.jobs.Run(working) })
	if s.deliver != nil {
		work.start("dispatch", func() error { return s.deliver.Run(working) })
	}
	web := &http.Server{
		Handler: s.handler, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 32 << 10,
		BaseContext: func(net.Listener) context.Context { return working },
		ErrorLog:    slog.NewLogLogger(s.log.Handler(), slog.LevelWarn), // panics of handlers among them
	}
	work.start("http", func() error {
		if err := web.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
	told, untell := context.WithCancel(ctx)
	if err := p.announce(s, l); err != nil {
		work.fail(err)
	} else if ready != nil {
		work.start("ready", func() error {
			if err := ready(told, s); told.Err() == nil {
				return err
			}
			return nil
		})
	}
	select {
	case <-ctx.Done():
	case <-working.Done():
	}
	s.log.InfoContext(ctx, "stopping: letting requests and work end")
	untell()
	s.endStreams()
	shut, cancel := context.WithTimeout(context.WithoutCancel(ctx), 15*time.Second)
	defer cancel()
	if err := web.Shutdown(shut); err != nil {
		s.log.WarnContext(ctx, "requests were cut off", "error", err)
		_ = web.Close()
	}
	stop()
	work.wg.Wait()
	poolEnd()
	return work.err
}

// startPool keeps the enhancer's processes beyond the jobs that use them; the returned function ends them.
func (s *server) startPool(ctx context.Context, work *crew) func() {
	if s.pool == nil {
		return func() {}
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := s.pool.Run(ctx); err != nil {
			work.fail(fmt.Errorf("enhancer: %w", err))
		}
	}()
	return func() { cancel(); <-ended }
}

func (p *program) announce(s *server, l net.Listener) error {
	if p.json {
		return json.NewEncoder(p.stdout).Encode(map[string]string{"address": "http://" + l.Addr().String(), "base_url": s.base})
	}
	_, err := fmt.Fprintf(p.stdout, "listening on http://%s\n", l.Addr())
	return err
}

// close gives back what wire opened; a part that was not opened is nil.
func (s *server) close() error {
	var closers []io.Closer
	if s.blobs != nil {
		closers = append(closers, s.blobs)
	}
	if s.db != nil {
		closers = append(closers, s.db)
	}
	if s.node != nil {
		closers = append(closers, s.node)
	}
	var err error
	for _, c := range closers {
		err = errors.Join(err, c.Close())
	}
	if s.sender != nil {
		s.sender.CloseIdle()
	}
	return err
}
