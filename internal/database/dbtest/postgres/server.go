// Package postgres starts a private PostgreSQL for tests. It stands apart from dbtest so that the
// command that runs the tests can have a server without compiling what they test.
package postgres

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	_ "github.com/lib/pq" // the driver "postgres"
)

// Variable is the environment variable by which one process hands its server to others: the URL
// of a superuser's maintenance database.
const Variable = "HEADROOM_TEST_POSTGRES"

// startTimeout bounds initdb and the start of the server together; both take about 2 s on 2 cores.
const startTimeout = 2 * time.Minute

// A Server is a private PostgreSQL for tests: a new cluster in a temporary folder, with fsync
// off, listening on a Unix socket there and on a free port of 127.0.0.1.
//
// It needs nobody to clean up after it. A watchdog process holds the other end of a pipe that
// closes when this process ends, in whatever way, and then stops the server and removes the folder.
type Server struct {
	url      *url.URL
	watchdog *exec.Cmd
	life     *os.File
}

// Start makes and starts a server; it is ready when Start returns. ctx bounds only the starting.
//
// Errors: the programs of PostgreSQL are not installed; started as root and there is no
// unprivileged account to run as (PostgreSQL refuses root); the server does not come up, with
// the end of its log.
func Start(ctx context.Context) (*Server, error) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()

	bin, err := programs()
	if err != nil {
		return nil, err
	}
	owner, err := unprivileged()
	if err != nil {
		return nil, err
	}
	// Not tb.TempDir: the path of a Unix socket may be 107 bytes long at most.
	dir, err := os.MkdirTemp("", "headroom-pg-")
	if err != nil {
		return nil, fmt.Errorf("make a folder for PostgreSQL: %w", err)
	}
	c := cluster{bin: bin, dir: dir, data: filepath.Join(dir, "data"), owner: owner}
	s, err := c.start(ctx)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return s, nil
}

// Open is the server at the URL of a superuser's maintenance database, which somebody else
// started and will stop.
func Open(address string) (*Server, error) {
	parsed, err := url.Parse(address)
	if err != nil {
		return nil, fmt.Errorf("address of PostgreSQL: %w", err)
	}
	return &Server{url: parsed}, nil
}

// cluster is a server's files, and who runs it: nil means this account.
type cluster struct {
	bin, dir, data string
	owner          *syscall.Credential
}

func (c cluster) start(ctx context.Context) (*Server, error) {
	password := rand.Text()
	passwordFile := filepath.Join(c.dir, "password")
	if err := os.WriteFile(passwordFile, []byte(password+"\n"), 0o600); err != nil {
		return nil, fmt.Errorf("write PostgreSQL's password: %w", err)
	}
	for _, path := range []string{c.dir, passwordFile} {
		if c.owner == nil {
			break
		}
		if err := os.Chown(path, int(c.owner.Uid), int(c.owner.Gid)); err != nil {
			return nil, fmt.Errorf("give %s to the account that runs PostgreSQL: %w", path, err)
		}
	}
	if err := c.run(ctx, "initdb", "--pgdata="+c.data, "--username=headroom", "--auth=scram-sha-256", "--pwfile="+passwordFile,
		"--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions"); err != nil {
		return nil, err
	}

	s := &Server{}
	if err := s.watch(c); err != nil {
		return nil, err
	}
	// A port that is free when we look may be taken when the server binds it, so try a few.
	var err error
	for range 5 {
		var port string
		if port, err = freePort(ctx); err != nil {
			break
		}
		settings := strings.Join([]string{
			"-c listen_addresses=127.0.0.1", "-c port=" + port, "-c unix_socket_directories=" + c.dir,
			"-c fsync=off", "-c synchronous_commit=off", "-c full_page_writes=off",
			"-c max_connections=400", "-c timezone=UTC",
		}, " ")
		if err = c.run(ctx, "pg_ctl", "start", "--pgdata="+c.data, "--wait", "--silent",
			"--log="+filepath.Join(c.dir, "log"), "--options="+settings); err == nil {
			s.url = &url.URL{
				Scheme:   "postgres",
				User:     url.UserPassword("headroom", password),
				Host:     net.JoinHostPort("127.0.0.1", port),
				Path:     "/postgres",
				RawQuery: "sslmode=disable",
			}
			return s, nil
		}
	}
	return nil, errors.Join(err, s.Stop())
}

// run runs one of PostgreSQL's programs to its end.
func (c cluster) run(ctx context.Context, name string, args ...string) error {
	// A file and not a pipe: the server would inherit the pipe, and Run would wait for the server.
	out, err := os.Create(filepath.Join(c.dir, name+".out"))
	if err != nil {
		return fmt.Errorf("run %s: %w", name, err)
	}
	defer func() { _ = out.Close() }()
	cmd := exec.CommandContext(ctx, filepath.Join(c.bin, name), args...) //nolint:gosec // a program that programs found
	cmd.Dir = c.dir
	cmd.Env = append(os.Environ(), "LC_ALL=C", "TZ=UTC")
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: c.owner, Setsid: true}
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("run %s: %w: %s%s", name, err, tail(out.Name()), tail(filepath.Join(c.dir, "log")))
	}
	return nil
}

// URL is the address of the server's maintenance database, as its superuser.
func (s *Server) URL() string { return s.url.String() }

// Database is the address of another database of the server.
func (s *Server) Database(name string) string {
	address := *s.url
	address.Path = "/" + name
	return address.String()
}

// Exec runs one statement on the maintenance database, on a connection of its own.
func (s *Server) Exec(ctx context.Context, statement string) error {
	db, err := sql.Open("postgres", s.URL())
	if err != nil {
		return fmt.Errorf("open the test server: %w", err)
	}
	_, err = db.ExecContext(ctx, statement)
	return errors.Join(err, db.Close())
}

// Stop stops the server, drops its connections and removes its folder. A second Stop does nothing, nor does
// that of a server from [Open].
func (s *Server) Stop() error {
	if s.watchdog == nil {
		return nil
	}
	watchdog := s.watchdog
	s.watchdog = nil
	if err := s.life.Close(); err != nil {
		return fmt.Errorf("stop PostgreSQL: %w", err)
	}
	if err := watchdog.Wait(); err != nil {
		return fmt.Errorf("stop PostgreSQL: %w", err)
	}
	return nil
}

// watch starts the process that outlives this one, for as long as it takes to clean up.
func (s *Server) watch(c cluster) error {
	read, write, err := os.Pipe() // close-on-exec, so that only this process holds the writing end
	if err != nil {
		return fmt.Errorf("watch over PostgreSQL: %w", err)
	}
	defer func() { _ = read.Close() }()
	const script = `read -r _; "$1" stop --pgdata="$2" --mode=immediate --silent; rm -rf -- "$3"/*; rmdir -- "$3" || true`
	// No context: it must go on when everything else has ended.
	cmd := exec.Command("sh", "-c", script, "sh", filepath.Join(c.bin, "pg_ctl"), c.data, c.dir) //nolint:gosec,noctx // see above
	cmd.Stdin = read
	cmd.Dir = "/"
	// A session of its own, out of reach of Ctrl-C.
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: c.owner, Setsid: true}
	if err := cmd.Start(); err != nil {
		return errors.Join(fmt.Errorf("watch over PostgreSQL: %w", err), write.Close())
	}
	s.watchdog, s.life = cmd, write
	return nil
}

// programs finds the folder of initdb, pg_ctl and postgres: the one in PATH, else the newest that
// Debian, Homebrew or Fedora installs outside of it.
func programs() (string, error) {
	if path, err := exec.LookPath("initdb"); err == nil {
		// initdb looks for postgres beside itself, so follow a link to where it really stands.
		if path, err = filepath.EvalSymlinks(path); err == nil {
			return filepath.Dir(path), nil
		}
	}
	for _, pattern := range []string{"/usr/lib/postgresql/*/bin", "/opt/homebrew/opt/postgresql@*/bin", "/usr/local/opt/postgresql@*/bin", "/usr/pgsql-*/bin"} {
		found, err := filepath.Glob(filepath.Join(pattern, "initdb"))
		if err != nil || len(found) == 0 {
			continue
		}
		newest := slices.MaxFunc(found, func(a, b string) int { return majorVersion(a) - majorVersion(b) })
		return filepath.Dir(newest), nil
	}
	return "", errors.New("PostgreSQL's programs (initdb, pg_ctl) are not installed: `make setup` installs them")
}

// majorVersion is the last number in a path such as /usr/lib/postgresql/15/bin/initdb.
func majorVersion(path string) int {
	digits := strings.FieldsFunc(path, func(r rune) bool { return r < '0' || r > '9' })
	if len(digits) == 0 {
		return 0
	}
	n, err := strconv.Atoi(digits[len(digits)-1])
	if err != nil {
		return 0
	}
	return n
}

// unprivileged is the account to run PostgreSQL as: nil for "this one", and another when this one is root.
func unprivileged() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil //nolint:nilnil // nil is how SysProcAttr spells "the same account"
	}
	for _, name := range []string{"postgres", "nobody"} {
		account, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err := strconv.ParseUint(account.Uid, 10, 32)
		if err != nil {
			return nil, fmt.Errorf("account %s: %w", name, err)
		}
		gid, err := strconv.ParseUint(account.Gid, 10, 32)
		if err != nil {
			return nil, fmt.Errorf("account %s: %w", name, err)
		}
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
	}
	return nil, errors.New("PostgreSQL refuses to run as root, and there is neither an account postgres nor nobody")
}

func freePort(ctx context.Context) (string, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp4", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	_, port, err := net.SplitHostPort(listener.Addr().String())
	return port, errors.Join(err, listener.Close())
}

// tail is the last 2,000 bytes of a log, for an error; empty when there is none.
func tail(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	return string(text[max(0, len(text)-2000):])
}
