package webhooks

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"syscall"
)

// The guard's problem: customers type the addresses we post to, and some of them would
// like us to post to our own network. It answers twice. On save [CheckURL] refuses what
// can be seen in the URL, by a strict reading: a host is a plain name or a plain address,
// and every creative spelling is refused without asking what it would mean. At dial
// checkAddress looks at the address that is really dialled, so a name that resolves to
// something private today or tomorrow gets no further either.

// maxURL is the longest URL that is accepted, in bytes.
const maxURL = 2048

// TargetError says why a webhook URL, or the address behind it, is refused. Msg is a
// sentence for the person who typed the URL.
type TargetError struct {
	Msg string
}

func (e *TargetError) Error() string { return e.Msg }

func refuse(format string, args ...any) error {
	return &TargetError{Msg: fmt.Sprintf(format, args...)}
}

// CheckURL parses a webhook URL and refuses, with a [*TargetError], what must not be
// posted to: anything but https on port 443, 8443 or from 1024 up; user names; fragments;
// hosts that are not public in any spelling. It does not resolve names.
//
// allowPrivate lifts the rules about scheme, port and address, for development.
func CheckURL(raw string, allowPrivate bool) (*url.URL, error) {
	if raw == "" {
		return nil, refuse("The URL is missing.")
	}
	if len(raw) > maxURL {
		return nil, refuse("The URL is longer than %d characters.", maxURL)
	}
	if i := strings.IndexFunc(raw, func(r rune) bool { return r <= ' ' || r >= 0x7f || r == '\\' }); i >= 0 {
		return nil, refuse("The URL has a character that must be written in its escaped form (for a host, its xn-- form).")
	}
	u, err := url.Parse(raw)
	if err != nil {
		return nil, refuse("The URL cannot be parsed.")
	}
	if u.Scheme != "https" && (!allowPrivate || u.Scheme != "http") {
		return nil, refuse("The URL must begin with https://.")
	}
	switch {
	case u.Opaque != "" || u.Host == "":
		return nil, refuse("The URL has no host.")
	case u.User != nil || strings.Contains(authority(raw), "@"):
		return nil, refuse("The URL must not hold a user name or password; use a header instead.")
	case strings.Contains(raw, "#"):
		return nil, refuse("The URL must not have a fragment (#…).")
	case strings.Contains(authority(raw), "%"):
		return nil, refuse("The host must not be percent-encoded.")
	}
	if err := checkPort(u, allowPrivate); err != nil {
		return nil, err
	}
	if err := checkHost(u, allowPrivate); err != nil {
		return nil, err
	}
	return u, nil
}

// authority is what stands between "//" and the next "/", "?" or "#", as typed.
func authority(raw string) string {
	_, rest, _ := strings.Cut(raw, "//")
	if end := strings.IndexAny(rest, "/?#"); end >= 0 {
		rest = rest[:end]
	}
	return rest
}

func checkPort(u *url.URL, allowPrivate bool) error {
	port := u.Port()
	if port == "" {
		if strings.HasSuffix(u.Host, ":") {
			return refuse("The port is missing after the colon.")
		}
		return nil
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 || strconv.FormatUint(n, 10) != port {
		return refuse("The port must be a number from 1 to 65535.")
	}
	if !allowPrivate && n != 443 && n < 1024 {
		return refuse("The port must be 443, 8443 or 1024 and above.")
	}
	return nil
}

func checkHost(u *url.URL, allowPrivate bool) error {
	host := u.Hostname()
	if strings.HasPrefix(u.Host, "[") {
		addr, err := netip.ParseAddr(host)
		if err != nil || !addr.Is6() || addr.Zone() != "" {
			return refuse("The host in brackets is not an IPv6 address.")
		}
		return checkAddress(addr, allowPrivate)
	}
	if addr, err := netip.ParseAddr(host); err == nil {
		return checkAddress(addr, allowPrivate)
	}
	return checkName(host, allowPrivate)
}

// checkName accepts fully qualified names of letters, digits, hyphens and underscores.
func checkName(host string, allowPrivate bool) error {
	if len(host) > 253 {
		return refuse("The host name is longer than 253 characters.")
	}
	labels := strings.Split(strings.ToLower(host), ".")
	for _, label := range labels {
		if !plainLabel(label) {
			return refuse("The host %q is not a plain host name.", host)
		}
	}
	// Resolvers read 127.1, 0x7f000001, 2130706433 and 0177.0.0.1 as addresses. A top-level
	// domain has a letter first, so what begins with a digit here is never a name.
	if last := labels[len(labels)-1]; last[0] >= '0' && last[0] <= '9' {
		return refuse("Write the address as four plain decimal numbers, such as 203.0.113.7.")
	}
	if allowPrivate {
		return nil
	}
	if len(labels) == 1 || privateSuffix(labels) {
		return refuse("The host %q is not public.", host)
	}
	return nil
}

func plainLabel(label string) bool {
	if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
		return false
	}
	return strings.IndexFunc(label, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' && r != '_'
	}) < 0
}

// privateSuffix knows the top-level names that are reserved for, or customary in, private
// networks. They are refused for the message's sake; the dial would refuse their addresses.
func privateSuffix(labels []string) bool {
	switch labels[len(labels)-1] {
	case "localhost", "local", "internal", "localdomain", "intranet", "private", "corp", "home", "lan",
		"arpa", "onion", "invalid":
		return true
	default:
		return false
	}
}

// checkAddress refuses every address that is not plainly public, with a [*TargetError].
func checkAddress(addr netip.Addr, allowPrivate bool) error {
	if allowPrivate {
		return nil
	}
	if addr.Zone() != "" {
		return refuse("The address %s is not public (it has a zone).", addr)
	}
	// IPv6 is turned round: only 2000::/3 is given out at all, so loopback, mapped,
	// translated, unique local, link-local, multicast and unassigned fall in one line.
	if addr.Is6() && !netip.MustParsePrefix("2000::/3").Contains(addr) {
		return refuse("The address %s is not public.", addr)
	}
	for _, block := range reservedBlocks() {
		if netip.MustParsePrefix(block.prefix).Contains(addr) {
			return refuse("The address %s is not public (%s).", addr, block.use)
		}
	}
	return nil
}

type reservedBlock struct{ prefix, use string }

// reservedBlocks follows the IANA special-purpose address registries, plus the one public
// address that only works inside a cloud (Azure's host agent).
func reservedBlocks() []reservedBlock {
	return []reservedBlock{
		{"0.0.0.0/8", "this network"},
		{"10.0.0.0/8", "private"},
		{"100.64.0.0/10", "carrier-grade NAT"},
		{"127.0.0.0/8", "loopback"},
		{"168.63.129.16/32", "cloud host agent"},
		{"169.254.0.0/16", "link-local"},
		{"172.16.0.0/12", "private"},
		{"192.0.0.0/24", "protocol assignments"},
		{"192.0.2.0/24", "documentation"},
		{"192.31.196.0/24", "AS112"},
		{"192.52.193.0/24", "multicast tunnels"},
		{"192.88.99.0/24", "6to4 relay"},
		{"192.168.0.0/16", "private"},
		{"192.175.48.0/24", "AS112"},
		{"198.18.0.0/15", "benchmarks"},
		{"198.51.100.0/24", "documentation"},
		{"203.0.113.0/24", "documentation"},
		{"224.0.0.0/4", "multicast"},
		{"240.0.0.0/4", "reserved"},
		{"2001::/23", "Teredo and other protocol assignments"},
		{"2001:db8::/32", "documentation"},
		{"2002::/16", "6to4"},
		{"2620:4f:8000::/48", "AS112"},
		{"3fff::/20", "documentation"},
	}
}

// dialGuard is a [net.Dialer.Control] that refuses non-public addresses just before the
// connection is made, whatever name they came from.
func dialGuard(allowPrivate bool) func(network, address string, _ syscall.RawConn) error {
	return func(network, address string, _ syscall.RawConn) error {
		if network != "tcp4" && network != "tcp6" {
			return refuse("The network %s is not used for webhooks.", network)
		}
		target, err := netip.ParseAddrPort(address)
		if err != nil {
			return refuse("The address %s is not an IP address.", address)
		}
		// The kernel connects a mapped address over IPv4, so it is judged as IPv4.
		return checkAddress(target.Addr().Unmap(), allowPrivate)
	}
}

// asTargetError finds the guard's refusal inside a dialler's error.
func asTargetError(err error) *TargetError {
	refused, _ := errors.AsType[*TargetError](err)
	return refused
}
