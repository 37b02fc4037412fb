package dispatch_test

import (
	"bufio"
	"encoding/json"
	"math/rand/v2"
	"os"
	"os/exec"
	"testing"
	"time"

	"headroom/ent/delivery"
	"headroom/internal/database"
	"headroom/internal/database/dbtest"
	"headroom/internal/events"
)

// childEnv makes this test binary a dispatching process: its value says of what.
const childEnv = "DISPATCH_TEST_CHILD"

type childConfig struct{ URL, Account, Secret string }

// TestChild is no test of its own: it dispatches until it is killed.
func TestChild(t *testing.T) {
	t.Parallel()
	value := os.Getenv(childEnv)
	if value == "" {
		return
	}
	var cfg childConfig
	if err := json.Unmarshal([]byte(value), &cfg); err != nil {
		t.Fatal(err)
	}
	db, err := database.Open(t.Context(), cfg.URL, database.Config{})
	if err != nil {
		t.Fatal(err)
	}
	h := &house{t: t, db: db, account: cfg.Account, secret: cfg.Secret}
	h.run("killed", nil)
	_, _ = os.Stdout.WriteString("up\n")
	<-time.After(time.Minute)
}

func (h *house) startChild() *exec.Cmd {
	h.t.Helper()
	value, err := json.Marshal(childConfig{h.db.URL, h.account, h.secret})
	if err != nil {
		h.t.Fatal(err)
	}
	cmd := exec.CommandContext(h.t.Context(), os.Args[0], "-test.run", "^TestChild$", "-test.v")
	cmd.Env = append(os.Environ(), childEnv+"="+string(value))
	out, err := cmd.StdoutPipe()
	if err != nil {
		h.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		h.t.Fatal(err)
	}
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if lines.Text() == "up" {
			return cmd
		}
	}
	h.t.Fatal("the child did not come up")
	return nil
}

func TestKilledProcessLosesNothing(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		h := newHouse(t, db)
		receiver := h.newReceiver(nil)
		endpoint := h.endpoint(receiver.URL, nil)
		const kills, each = 6, 150
		var ids []string
		for range kills {
			child := h.startChild()
			for range 15 { // while it works
				ids = append(ids, h.write(each/15, complete)...)
			}
			before := receiver.events()
			h.eventually("it delivers", func() bool { return receiver.events() > before })
			<-time.After(time.Duration(rand.IntN(60)) * time.Millisecond)
			if err := child.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			_ = child.Wait() // killed
		}
		start := time.Now()
		h.run("killed", nil).Ring(events.Ring{Everything: true})
		h.eventually("all delivered", func() bool { return h.count(endpoint, delivery.StateDelivered) == len(ids) })
		t.Logf("recovered in %v", time.Since(start))
		extra, most := 0, 0
		for _, id := range ids {
			n := receiver.times(id)
			if n == 0 {
				t.Errorf("event %s is lost", id)
			}
			extra += n - 1
			most = max(most, n)
		}
		// 8 go to one endpoint at a time; as many may be in the commit that the kill interrupts.
		t.Logf("%d events, %d kills: %d came again, none more than %d times", len(ids), kills, extra, most)
		if most > 1+kills || extra > kills*2*8 {
			t.Errorf("an event came %d times, %d extra", most, extra)
		}
	})
}
