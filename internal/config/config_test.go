package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"headroom/internal/config"
)

func env(pairs map[string]string) func(string) string {
	return func(name string) string { return pairs[name] }
}

func TestDefaultsNeedNothing(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	c, err := config.Load(env(map[string]string{"HEADROOM_DATA": data}), "/opt/headroom/bin/headroom")
	if err != nil {
		t.Fatal(err)
	}
	if c.Addr != "127.0.0.1:8080" || c.DatabaseURL != "sqlite:"+filepath.Join(data, "headroom.db") ||
		c.StorageURL != "file://"+filepath.ToSlash(data)+"/photos" || c.Models != "/opt/headroom/models" || !c.Introspection {
		t.Fatalf("%+v", c)
	}
	info, err := os.Stat(filepath.Join(data, "secret.key"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("secret key: %v %v", info, err)
	}
}

func TestProcessesThatStartAtOnceShareOneSecret(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	tokens := make([]string, 8)
	var wg sync.WaitGroup
	for i := range tokens {
		wg.Go(func() {
			c, err := config.Load(env(map[string]string{"HEADROOM_DATA": data}), "bin/headroom")
			if err != nil {
				t.Error(err)
				return
			}
			tokens[i] = c.Keys.CaptureToken("ses_1", 0)
		})
	}
	wg.Wait()
	for _, token := range tokens {
		if token != tokens[0] {
			t.Fatal("two secrets were made")
		}
	}
}

func TestPasswordOfTheDatabaseIsNotTold(t *testing.T) {
	t.Parallel()
	_, err := config.Load(env(map[string]string{
		"HEADROOM_DATA": t.TempDir(), "HEADROOM_DATABASE_URL": "postgres://headroom:hun%ter2@localhost/headroom",
	}), "bin/headroom")
	if err == nil || !strings.Contains(err.Error(), "HEADROOM_DATABASE_URL") || strings.Contains(err.Error(), "ter2") {
		t.Errorf("got %v", err)
	}
}

func TestFaultsNameTheVariable(t *testing.T) {
	t.Parallel()
	for name, value := range map[string]string{
		"HEADROOM_ADDR": "nonsense", "HEADROOM_BASE_URL": "headroom.example.com", "HEADROOM_DATABASE_URL": "mysql://x",
		"HEADROOM_SECRET_KEY": "short", "HEADROOM_ENHANCE_WORKERS": "0", "HEADROOM_WEBHOOKS_ALLOW_PRIVATE": "perhaps",
		"HEADROOM_GRAPHQL_INTROSPECTION": "yes", "HEADROOM_BOOTSTRAP_EMAIL": "a@example.com",
	} {
		_, err := config.Load(env(map[string]string{"HEADROOM_DATA": t.TempDir(), name: value}), "bin/headroom")
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s=%s: %v", name, value, err)
		}
	}
	_, err := config.Load(env(map[string]string{"HEADROOM_DATA": t.TempDir(), "HEADROOM_DATABASE_URL": "postgres://x/y"}), "bin/headroom")
	if err == nil || !strings.Contains(err.Error(), "HEADROOM_SECRET_KEY") {
		t.Errorf("PostgreSQL without a secret: %v", err)
	}
}
