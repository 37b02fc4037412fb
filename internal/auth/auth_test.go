package auth_test

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	"headroom/internal/auth"
)

func keys(t *testing.T) *auth.Keys {
	t.Helper()
	text, err := auth.NewSecretKey()
	if err != nil {
		t.Fatal(err)
	}
	k, err := auth.ParseKeys(text)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestAPIKeyForm(t *testing.T) {
	t.Parallel()
	form := regexp.MustCompile(`^hr_(live|test)_[0-9A-Za-z]{36}$`)
	for _, test := range []bool{false, true} {
		key, err := auth.NewAPIKey(test)
		if err != nil || !form.MatchString(key) {
			t.Fatalf("%q %v", key, err)
		}
		if got, err := auth.CheckAPIKey(key); err != nil || got != test {
			t.Fatalf("%q is not its own: %v", key, err)
		}
		for i := range key { // every single changed character is noticed
			b := []byte(key)
			b[i] ^= 1
			if _, err := auth.CheckAPIKey(string(b)); err == nil {
				t.Errorf("%q passes for %q", b, key)
			}
		}
	}
	// Computed with Python's zlib.crc32.
	if _, err := auth.CheckAPIKey("hr_live_0000000000000000000000000000002C8GjS"); err != nil {
		t.Error("the checksum is not CRC-32 (IEEE) in base62")
	}
	for _, bad := range []string{"", "hr_live_", "Bearer x", "hr_live_" + strings.Repeat("a", 10_000)} {
		if _, err := auth.CheckAPIKey(bad); err == nil {
			t.Errorf("%.20q passes", bad)
		}
	}
}

func TestCaptureTokenChangesWithItsGeneration(t *testing.T) {
	t.Parallel()
	k := keys(t)
	a, again, b := k.CaptureToken("ses_1", 0), k.CaptureToken("ses_1", 0), k.CaptureToken("ses_1", 1)
	if a != again || a == b || !auth.IsCaptureToken(a) || len(a) != 25 {
		t.Fatalf("%s %s %s", a, again, b)
	}
	if other := keys(t).CaptureToken("ses_1", 0); other == a {
		t.Fatal("another secret key gives the same token")
	}
}

func TestSealedSecretsOpenForTheirRowOnly(t *testing.T) {
	t.Parallel()
	k := keys(t)
	sealed, err := k.Seal("whs_1", []byte("secret"))
	if err != nil || bytes.Contains(sealed, []byte("secret")) {
		t.Fatalf("%x %v", sealed, err)
	}
	if plain, err := k.Open("whs_1", sealed); err != nil || string(plain) != "secret" {
		t.Fatalf("%s %v", plain, err)
	}
	if _, err := k.Open("whs_2", sealed); err == nil {
		t.Error("it opens for another row")
	}
	if _, err := keys(t).Open("whs_1", sealed); err == nil {
		t.Error("it opens with another key")
	}
	if _, err := k.Open("whs_1", sealed[:5]); err == nil {
		t.Error("a stump opens")
	}
}

func TestPasswords(t *testing.T) {
	t.Parallel()
	hash, err := auth.HashPassword("correct horse battery")
	if err != nil || !strings.HasPrefix(hash, "$argon2id$v=19$m=65536,t=3,p=2$") {
		t.Fatalf("%s %v", hash, err)
	}
	if !auth.CheckPassword(hash, "correct horse battery") || auth.CheckPassword(hash, "correct horse batterz") || auth.CheckPassword("", "") {
		t.Fatal("wrong verdict")
	}
	for _, bad := range []string{"short", strings.Repeat("x", 1<<20)} {
		if _, err := auth.HashPassword(bad); err == nil {
			t.Errorf("a password of %d bytes passes", len(bad))
		}
	}
}

func TestRolesHoldWhatTheContractSays(t *testing.T) {
	t.Parallel()
	for role, want := range map[string]int{"OWNER": 1, "ADMIN": 8, "REVIEWER": 9, "VIEWER": 8, "NOBODY": 0} {
		got := auth.RoleScopes(role)
		if len(got) != want {
			t.Errorf("%s holds %v", role, got)
		}
		for _, scope := range got {
			if !auth.ValidScope(scope) {
				t.Errorf("%s holds %s, which does not exist", role, scope)
			}
		}
	}
}
