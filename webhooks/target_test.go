package webhooks_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"headroom/webhooks"
)

func TestCheckURLAcceptsPublicTargets(t *testing.T) {
	t.Parallel()
	for _, raw := range []string{
		"https://hooks.example.com/in?tenant=1&x=%20",
		"https://hooks.example.com",
		"https://hooks.example.com:443/",
		"https://hooks.example.com:8443/",
		"https://hooks.example.com:1024/",
		"https://hooks.example.com:65535/",
		"HTTPS://Hooks.Example.COM/",
		"https://xn--bcher-kva.example/",
		"https://a_b.example.com/",
		"https://8.8.8.8/",
		"https://172.15.255.255/", "https://172.32.0.0/",
		"https://100.63.255.255/", "https://100.128.0.0/",
		"https://[2606:4700::1111]/",
		"https://[2606:4700::1111]:8443/x",
		"https://0x7f.example.com/",
		"https://localhost.example.com/",
		"https://example.com/http://127.0.0.1/@x",
	} {
		if u, err := webhooks.CheckURL(raw, false); err != nil || u == nil {
			t.Errorf("%s: %v", raw, err)
		}
	}
}

func TestCheckURLRefusesEverySpellingOfWhatIsNotPublic(t *testing.T) {
	t.Parallel()
	hosts := strings.Fields(`
		127.0.0.1 127.1 127.0.1 127.255.255.254 127.0.0.1. 0x7f000001 0x7F.0.0.1 0x7f.1 2130706433 017700000001
		0177.0.0.1 0177.1 127.0.0.01 127.0.0.0x1 127.0.0.1.. 0 0.0.0.0 0.0.0.1 00.0.0.0 1 256 4294967296 1.2.3.4.5 1.2.3.256
		3232235521 0xC0A80001 10.0.0.1 10.1 10.255.255.255 172.16.0.1 172.31.255.255 192.168.0.1 192.168.1
		100.64.0.1 100.127.255.255 100.100.100.200 169.254.169.254 169.254.0.1 0xa9fea9fe 2852039166 168.63.129.16
		192.0.0.1 192.0.0.192 192.0.2.1 192.88.99.1 198.18.0.1 198.19.255.255 198.51.100.1 203.0.113.1
		224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255
		[::] [::1] [0:0:0:0:0:0:0:1] [::127.0.0.1] [::ffff:127.0.0.1] [::ffff:7f00:1] [::ffff:8.8.8.8] [::ffff:0:127.0.0.1]
		[64:ff9b::127.0.0.1] [64:ff9b::808:808] [64:ff9b:1::a00:1] [2002:7f00:1::] [2002:c0a8:1::1] [2001::1] [2001:0:53aa:64c:0:0:f5ff:fffe]
		[2001:2::1] [2001:10::1] [2001:20::1] [2001:db8::1] [3fff::1] [100::1] [5f00::1] [fc00::1] [fd00:ec2::254] [fdff::1] [fe80::1] [fe80::1%25lo] [fe80::1%lo]
		[fec0::1] [ff02::1] [ff0e::1] [4000::1] [1::1] [v1.x] [127.0.0.1] [] [::1 ::1 ::1]
		localhost LOCALHOST localhost. localhost.. foo.localhost foo.localhost. localhost.localdomain printer.local printer.local.
		metadata.google.internal metadata.google.internal. a.internal x.home.arpa 1.0.0.127.in-addr.arpa x.lan x.corp x.intranet x.private x.onion intranet kubernetes
		example.com. .example.com example..com . .. -a.example.com a-.example.com ex*mple.com exa,mple.com
		%6c%6f%63%61%6c%68%6f%73%74 127%2e0.0.1 127.0.0.1%00 127.0.0.1%2f example.com%23 example.com%0d%0a
		①②⑦.0.0.1 127。0。0。1 127.0.0.1 ｌｏｃａｌｈｏｓｔ ⓛocalhost bücher.example
	`)
	hosts = append(hosts, "exa mple.com", "example.com\t", "example.com\r\nHost: x", "example.com\x00", strings.Repeat("a", 64)+".com", strings.Repeat("abcdefgh.", 32)+"com")
	for _, host := range hosts {
		refusedURL(t, "https://"+host+"/", false)
		refusedURL(t, "https://"+host+":8443/", false)
	}
}

func TestCheckURLRefusesOtherShapes(t *testing.T) {
	t.Parallel()
	for _, raw := range []string{
		"", " ", "x", "example.com", "/hook", "//example.com/", "https:", "https:/", "https://", "https:///x", "https:example.com", "https:/example.com",
		"https:\\\\example.com", "https://example.com\\@127.0.0.1/", "https://example.com\\.evil.example/",
		"http://example.com/", "ftp://example.com/", "file:///etc/passwd", "gopher://example.com/", "javascript:alert(1)", "unix:///run/x.sock", "data:text/plain,x",
		"https://user@example.com/", "https://user:pass@example.com/", "https://@example.com/", "https://:@example.com/", "https://example.com@127.0.0.1/", "https://127.0.0.1:8443@example.com/",
		"https://example.com/#", "https://example.com/#x", "https://example.com#@127.0.0.1/",
		"https://example.com:/", "https://example.com:0/", "https://example.com:22/", "https://example.com:80/", "https://example.com:1023/", "https://example.com:65536/",
		"https://example.com:08443/", "https://example.com:+8443/", "https://example.com:-1/", "https://example.com:8443:8443/", "https://example.com:x/", "https://example.com:٨٤٤٣/",
		"https://example.com/a b", "https://example.com/\r\nX: y", "https://example.com/\x00", "https://example.com/é", " https://example.com/", "https://example.com/ ",
		"https://example.com/%zz", "https://example.com/" + strings.Repeat("a", 2048),
	} {
		refusedURL(t, raw, false)
	}
}

func refusedURL(t *testing.T, raw string, allowPrivate bool) {
	t.Helper()
	u, err := webhooks.CheckURL(raw, allowPrivate)
	var refused *webhooks.TargetError
	if !errors.As(err, &refused) || u != nil {
		t.Errorf("%q: accepted as %v (error %v)", raw, u, err)
		return
	}
	if !strings.HasSuffix(refused.Msg, ".") && !strings.HasSuffix(refused.Msg, ").") {
		t.Errorf("%q: not a sentence: %q", raw, refused.Msg)
	}
}

func TestAllowPrivateLiftsAddressSchemeAndPortOnly(t *testing.T) {
	t.Parallel()
	for _, raw := range []string{
		"http://127.0.0.1:9000/hook", "http://localhost/", "http://receiver:80/", "https://10.0.0.1:22/", "http://[::1]:9000/", "http://printer.local/",
	} {
		if _, err := webhooks.CheckURL(raw, true); err != nil {
			t.Errorf("%s: %v", raw, err)
		}
	}
	for _, raw := range []string{"", "ftp://127.0.0.1/", "http://u:p@127.0.0.1/", "http://127.0.0.1/#x", "http://127.0.0.1:0/", "http://%6c/", "http://a b/", "http://127.1/"} {
		refusedURL(t, raw, true)
	}
}

func TestCheckHeader(t *testing.T) {
	t.Parallel()
	good := http.Header{"Authorization": {"Bearer abc def"}, "X-Tenant": {"a", "b"}, "x_y": {""}, "Cookie": {"a=b; c=d"}}
	if err := webhooks.CheckHeader(good); err != nil {
		t.Error(err)
	}
	bad := []http.Header{
		{"X-A": {"a\r\nHost: b"}}, {"X-A": {"a\n"}}, {"X-A": {"\x00"}}, {"X-A": {"é"}}, {"X-A": {"a\tb"}}, {"X-A": {"\x7f"}},
		{"": {"a"}}, {"X A": {"a"}}, {"X:A": {"a"}}, {"X-A\r\nB": {"a"}}, {"X-É": {"a"}}, {"X-A": {strings.Repeat("a", 8<<10)}},
		{strings.Repeat("a", 129): {"a"}}, {"X-A": make([]string, 21)},
	}
	for name := range strings.FieldsSeq(`Host host HOST Connection Keep-Alive Proxy-Authorization Proxy-Connection TE Trailer Transfer-Encoding Upgrade
		Content-Length Content-Type Content-Encoding Expect Accept-Encoding User-Agent Webhook-Id webhook-signature WEBHOOK-TIMESTAMP
		X-Authenticity-Token x-authenticity-token-next X-Authenticity-Other Idempotency-Key X-Idempotency-Key Http2-Settings :authority`) {
		bad = append(bad, http.Header{name: {"a"}})
	}
	for _, header := range bad {
		var refused *webhooks.TargetError
		if err := webhooks.CheckHeader(header); !errors.As(err, &refused) {
			t.Errorf("%q: %v", header, err)
		}
	}
}

func FuzzCheckURL(f *testing.F) {
	for _, seed := range []string{"https://example.com/", "https://[::1]/", "https://127.1", "https://a@b:99/#", "https://%31/"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		u, err := webhooks.CheckURL(raw, false)
		if (u == nil) == (err == nil) {
			t.Fatalf("%q: %v, %v", raw, u, err)
		}
		if err != nil {
			return
		}
		if u.Scheme != "https" || u.User != nil || u.Fragment != "" || strings.HasSuffix(u.Host, ".") {
			t.Errorf("%q accepted as %#v", raw, u)
		}
		// What is dialled is what was checked: printing and reading again changes nothing.
		if again, err := webhooks.CheckURL(u.String(), false); err != nil || again.Host != u.Host {
			t.Errorf("%q becomes %q: %v", raw, u, err)
		}
	})
}
