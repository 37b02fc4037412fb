package webhooks_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"context"

	"headroom/webhooks"
)

// rawReceiver answers with whatever serve writes, once the request's head has come in.
// serve's connection is closed after it.
func rawReceiver(t *testing.T, serve func(conn net.Conn)) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = conn.Close() }()
				if _, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
					serve(conn)
				}
			}()
		}
	}()
	return "http://" + listener.Addr().String()
}

// drip writes one byte every 20 ms until the other side goes away.
func drip(conn net.Conn, text string) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for i := 0; ; i++ {
		if _, err := conn.Write([]byte{text[i%len(text)]}); err != nil {
			return
		}
		<-tick.C
	}
}

func write(conn net.Conn, text string) { _, _ = io.WriteString(conn, text) }

func wait(conn net.Conn) { _, _ = conn.Read(make([]byte, 1)) }

func TestHostileReceivers(t *testing.T) {
	t.Parallel()
	const timeout = 400 * time.Millisecond
	for name, c := range map[string]struct {
		serve  func(net.Conn)
		class  webhooks.Class
		status int
	}{
		"never answers":            {wait, webhooks.ClassTimeout, 0},
		"drips its headers":        {func(c net.Conn) { write(c, "HTTP/1.1 200 OK\r\nX: "); drip(c, "a") }, webhooks.ClassTimeout, 0},
		"drips its body":           {func(c net.Conn) { write(c, "HTTP/1.1 200 OK\r\n\r\n"); drip(c, "a") }, webhooks.ClassOK, 200},
		"drips an error":           {func(c net.Conn) { write(c, "HTTP/1.1 500 No\r\nContent-Length: 900\r\n\r\n"); drip(c, "a") }, webhooks.Class5xx, 500},
		"silent after its headers": {func(c net.Conn) { write(c, "HTTP/1.1 204 OK\r\nContent-Length: 5\r\n\r\n"); wait(c) }, webhooks.ClassOK, 204},
		"short body":               {func(c net.Conn) { write(c, "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nabc") }, webhooks.ClassOK, 200},
		"closes":                   {func(net.Conn) {}, webhooks.ClassReset, 0},
		"resets":                   {func(c net.Conn) { _ = c.(*net.TCPConn).SetLinger(0) }, webhooks.ClassReset, 0}, //nolint:forcetypeassert // it is
		"half a head":              {func(c net.Conn) { write(c, "HTTP/1.1 200 OK\r\nX: ") }, webhooks.ClassReset, 0},
		"not HTTP":                 {func(c net.Conn) { write(c, "220 mail.example ESMTP\r\n") }, webhooks.ClassProtocol, 0},
		"other protocol": {func(c net.Conn) {
			write(c, "HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n")
			wait(c)
		}, webhooks.Class1xx, 101},
		"10,000 headers":  {func(c net.Conn) { write(c, "HTTP/1.1 200 OK\r\n"+strings.Repeat("X-Header: value\r\n", 10_000)+"\r\n") }, webhooks.ClassTooLarge, 0},
		"endless headers": {func(c net.Conn) { write(c, "HTTP/1.1 200 OK\r\n"); endless(c, "X-Header: value\r\n") }, webhooks.ClassTooLarge, 0},
		"endless 103s":    {func(c net.Conn) { endless(c, "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n") }, "", 0},
		"bad gzip": {func(c net.Conn) {
			write(c, "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc")
		}, webhooks.ClassOK, 200},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sender := newSender(t, webhooks.Config{AllowPrivate: true, Timeout: timeout})
			begin := time.Now()
			a := sender.Send(t.Context(), request(rawReceiver(t, c.serve)))
			if took := time.Since(begin); took > timeout+time.Second {
				t.Errorf("took %s", took)
			}
			if c.class == "" { // any failure will do
				if a.OK() || a.Err == nil {
					t.Errorf("attempt %+v", a)
				}
				return
			}
			if a.Class != c.class || a.Status != c.status || (a.Err == nil) != (c.status != 0) {
				t.Errorf("class %s, status %d, error %v; want %s, %d", a.Class, a.Status, a.Err, c.class, c.status)
			}
		})
	}
}

func endless(conn net.Conn, text string) {
	block := []byte(strings.Repeat(text, 1000))
	for {
		if _, err := conn.Write(block); err != nil {
			return
		}
	}
}

func TestAStatusWithoutItsBodyDoesNotHoldTheWorker(t *testing.T) {
	t.Parallel()
	url := rawReceiver(t, func(c net.Conn) { write(c, "HTTP/1.1 200 OK\r\n\r\nfirst"); drip(c, "a") })
	sender := newSender(t, webhooks.Config{AllowPrivate: true, Timeout: time.Minute, AnswerTimeout: 100 * time.Millisecond})
	a := sender.Send(t.Context(), request(url))
	if !a.OK() || !a.Truncated || !strings.HasPrefix(string(a.Excerpt), "first") || a.Duration > 30*time.Second {
		t.Errorf("%s after %s: %q", a.Class, a.Duration, a.Excerpt)
	}
}

// Not parallel: it reads the process's allocation counter.
func TestEndlessAnswersAndGzipBombsCostLittleMemory(t *testing.T) { //nolint:paralleltest // see above
	var member bytes.Buffer
	zip := gzip.NewWriter(&member)
	if _, err := zip.Write(make([]byte, 1<<20)); err != nil {
		t.Fatal(err)
	}
	if err := zip.Close(); err != nil {
		t.Fatal(err)
	}
	bomb := bytes.Repeat(member.Bytes(), 64)
	for name, c := range map[string]struct {
		encoding string
		block    []byte
	}{
		"endless answer": {"", bytes.Repeat([]byte("x"), 64<<10)},
		"gzip bomb":      {"gzip", bomb},
	} {
		ended := make(chan struct{})
		server := receiver(t, func(w http.ResponseWriter, _ *http.Request) {
			defer close(ended)
			if c.encoding != "" {
				w.Header().Set("Content-Encoding", c.encoding)
			}
			for {
				if _, err := w.Write(c.block); err != nil {
					return
				}
			}
		})
		sender := newSender(t, webhooks.Config{AllowPrivate: true})
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		a := sender.Send(t.Context(), request(server.URL))
		runtime.ReadMemStats(&after)
		<-ended // the connection was cut
		if !a.OK() || len(a.Excerpt) != 16<<10 || !a.Truncated {
			t.Errorf("%s: %s, %d bytes", name, a.Class, len(a.Excerpt))
		}
		if allocated := after.TotalAlloc - before.TotalAlloc; allocated > 4<<20 {
			t.Errorf("%s: allocated %d bytes, server included", name, allocated)
		}
	}
}

// nameserver is a DNS server of one's own: lookup gives the IPv4 address of a name at
// each question, or the zero address for "no such name".
func nameserver(t *testing.T, lookup func(name string) netip.Addr) *net.Resolver {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	go func() {
		packet := make([]byte, 512)
		for {
			n, from, err := conn.ReadFrom(packet)
			if err != nil {
				return
			}
			_, _ = conn.WriteTo(dnsAnswer(packet[:n], lookup), from)
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
}

// dnsAnswer builds RFC 1035's answer to the one question in query.
func dnsAnswer(query []byte, lookup func(string) netip.Addr) []byte {
	var labels []string
	end := 12
	for query[end] != 0 {
		size := int(query[end])
		labels = append(labels, string(query[end+1:end+1+size]))
		end += 1 + size
	}
	end += 5 // root label, type, class
	kind := binary.BigEndian.Uint16(query[end-4:])
	reply := append([]byte{}, query[:end]...)
	addr := lookup(strings.Join(labels, "."))
	reply[2], reply[3] = 0x84, 0
	copy(reply[6:12], make([]byte, 6))
	switch {
	case !addr.IsValid():
		reply[3] = 3 // NXDOMAIN
	case kind == 1:
		reply[7] = 1
		reply = append(reply, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4)
		reply = append(reply, addr.AsSlice()...)
	}
	return reply
}

func TestDNSThatTurnsPrivateIsRefusedAtDial(t *testing.T) {
	t.Parallel()
	var hits atomic.Int64
	server := receiver(t, func(http.ResponseWriter, *http.Request) { hits.Add(1) })
	port := server.URL[strings.LastIndexByte(server.URL, ':'):]
	var turned atomic.Bool
	resolver := nameserver(t, func(name string) netip.Addr {
		switch {
		case name != "hooks.example.com":
			return netip.Addr{}
		case turned.Load():
			return netip.MustParseAddr("127.0.0.1")
		default:
			return netip.MustParseAddr("93.184.216.34")
		}
	})
	sender := newSender(t, webhooks.Config{Resolver: resolver, Timeout: 10 * time.Second})
	url := "https://hooks.example.com" + port
	if _, err := sender.CheckTarget(t.Context(), url); err != nil {
		t.Errorf("on save, public: %v", err)
	}
	turned.Store(true)
	a := sender.Send(t.Context(), request(url))
	if a.Class != webhooks.ClassRefused || a.Status != 0 || hits.Load() != 0 {
		t.Errorf("at dial: %s, %v, %d hits", a.Class, a.Err, hits.Load())
	}
	var refused *webhooks.TargetError
	if !errors.As(a.Err, &refused) || !strings.Contains(refused.Msg, "127.0.0.1") {
		t.Errorf("at dial: %v", a.Err)
	}
	if _, err := sender.CheckTarget(t.Context(), url); !errors.As(err, &refused) {
		t.Errorf("on save, private: %v", err)
	}
	if _, err := sender.CheckTarget(t.Context(), "https://nowhere.example.com/"); err != nil {
		t.Errorf("on save, not resolvable: %v", err)
	}
	if a := sender.Send(t.Context(), request("https://nowhere.example.com/")); a.Class != webhooks.ClassDNS {
		t.Errorf("not resolvable: %s, %v", a.Class, a.Err)
	}
}

func TestAddressesAreRefusedAtDialForEveryName(t *testing.T) {
	t.Parallel()
	var current atomic.Value
	resolver := nameserver(t, func(string) netip.Addr { return current.Load().(netip.Addr) }) //nolint:forcetypeassert // it is
	for _, text := range []string{"127.0.0.1", "10.0.0.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "192.168.0.1", "224.0.0.1", "255.255.255.255"} {
		current.Store(netip.MustParseAddr(text))
		sender := newSender(t, webhooks.Config{Resolver: resolver, Timeout: 10 * time.Second})
		if a := sender.Send(t.Context(), request("https://hooks.example.com/")); a.Class != webhooks.ClassRefused {
			t.Errorf("%s: %s, %v", text, a.Class, a.Err)
		}
	}
}

func TestSendNamesWhyThereWasNoConnection(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	a := newSender(t, webhooks.Config{AllowPrivate: true}).Send(t.Context(), request("http://"+address))
	if a.Class != webhooks.ClassConnect || !errors.Is(a.Err, syscall.ECONNREFUSED) {
		t.Errorf("nobody listens: %s, %v", a.Class, a.Err)
	}
}

// Not parallel: it sets the environment. A name is used because net/http never sends
// loopback addresses through a proxy.
func TestProxiesFromTheEnvironmentAreIgnored(t *testing.T) { //nolint:paralleltest // it sets the environment
	var proxied, direct atomic.Int64
	proxy := receiver(t, func(http.ResponseWriter, *http.Request) { proxied.Add(1) })
	server := receiver(t, func(http.ResponseWriter, *http.Request) { direct.Add(1) })
	for _, name := range []string{"HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"} {
		t.Setenv(name, proxy.URL)
	}
	resolver := nameserver(t, func(string) netip.Addr { return netip.MustParseAddr("127.0.0.1") })
	port := server.URL[strings.LastIndexByte(server.URL, ':'):]
	a := newSender(t, webhooks.Config{AllowPrivate: true, Resolver: resolver}).Send(t.Context(), request(fmt.Sprintf("http://hooks.example.com%s/", port)))
	if !a.OK() || direct.Load() != 1 || proxied.Load() != 0 {
		t.Errorf("%s, %v: %d direct, %d through the proxy", a.Class, a.Err, direct.Load(), proxied.Load())
	}
}
