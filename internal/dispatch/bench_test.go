package dispatch_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"headroom/internal/database"
	"headroom/internal/database/dbtest"
	"headroom/internal/events"
	"headroom/webhooks"
)

// BenchmarkBurst writes b.N events in transactions of 10 by 8 writers, and waits until all are recorded as
// delivered to one endpoint. Signing, HTTP over loopback and the receiver are in the same process and count.
func BenchmarkBurst(b *testing.B) {
	for name, open := range map[string]func(testing.TB) *database.DB{"sqlite": dbtest.SQLite, "postgres": dbtest.PostgreSQL} {
		b.Run(name, func(b *testing.B) {
			h := newHouse(b, open(b))
			sink := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
			b.Cleanup(sink.Close)
			h.endpoint(sink.URL, nil)
			n := h.run("a", nil)
			b.ResetTimer()
			before := cpu()
			var left atomic.Int64
			left.Store(int64(b.N))
			var writers sync.WaitGroup
			for range 8 {
				writers.Go(func() {
					for k := left.Add(-10) + 10; k > 0; k = left.Add(-10) + 10 {
						h.write(int(min(k, 10)), complete)
						n.Ring(events.Ring{Events: true})
					}
				})
			}
			writers.Wait()
			h.eventually("all delivered", func() bool {
				var done int
				err := h.db.Read.QueryRow(`SELECT count(*) FROM deliveries WHERE state = 'DELIVERED'`).Scan(&done)
				return err == nil && done == b.N
			})
			b.StopTimer()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "deliveries/s")
			b.ReportMetric((cpu()-before).Seconds()*1000/float64(b.N), "cpu-ms/delivery")
		})
	}
}

// BenchmarkPaced writes one event each 20 ms, and reports how long after the commit it arrives.
func BenchmarkPaced(b *testing.B) {
	for name, open := range map[string]func(testing.TB) *database.DB{"sqlite": dbtest.SQLite, "postgres": dbtest.PostgreSQL} {
		b.Run(name, func(b *testing.B) {
			h := newHouse(b, open(b))
			arrived := make(chan struct {
				id string
				at time.Time
			}, b.N)
			sink := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				arrived <- struct {
					id string
					at time.Time
				}{r.Header.Get(webhooks.HeaderID), time.Now()}
			}))
			b.Cleanup(sink.Close)
			h.endpoint(sink.URL, nil)
			n := h.run("a", nil)
			committed := map[string]time.Time{}
			tick := time.NewTicker(20 * time.Millisecond)
			defer tick.Stop()
			for range b.N {
				<-tick.C
				id := h.write(1, complete)[0]
				committed[id] = time.Now()
				n.Ring(events.Ring{Events: true})
			}
			waits := make([]time.Duration, b.N)
			for i := range waits {
				a := <-arrived
				waits[i] = a.at.Sub(committed[a.id])
			}
			slices.Sort(waits)
			b.ReportMetric(float64(waits[b.N/2].Microseconds())/1000, "p50-ms")
			b.ReportMetric(float64(waits[b.N*99/100].Microseconds())/1000, "p99-ms")
		})
	}
}

// cpu is what this process has used so far.
func cpu() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
