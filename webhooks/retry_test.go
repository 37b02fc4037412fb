package webhooks_test

import (
	"testing"
	"time"

	"headroom/webhooks"
)

func TestRetrySchedule(t *testing.T) {
	t.Parallel()
	middle := func() float64 { return 0.5 }
	want := []time.Duration{
		5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour,
		10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour,
	}
	for i, d := range want {
		if got, ok := webhooks.NextRetry(i+1, 0, middle); !ok || got != d {
			t.Errorf("after attempt %d: %s, %t, want %s", i+1, got, ok, d)
		}
	}
	for _, attempt := range []int{-1, 0, 10, 11} {
		if got, ok := webhooks.NextRetry(attempt, time.Hour, middle); ok {
			t.Errorf("after attempt %d: %s, want no retry", attempt, got)
		}
	}
}

func TestRetryJitterStaysWithinAFifth(t *testing.T) {
	t.Parallel()
	for jitter, want := range map[float64]time.Duration{0: 4 * time.Second, 0.999999999: 6 * time.Second} {
		got, _ := webhooks.NextRetry(1, 0, func() float64 { return jitter })
		if diff := (got - want).Abs(); diff > time.Microsecond {
			t.Errorf("jitter %v: %s, want %s", jitter, got, want)
		}
	}
}

func TestRetryAfterIsNeverUndercut(t *testing.T) {
	t.Parallel()
	low := func() float64 { return 0 }
	for _, c := range []struct {
		attempt           int
		retryAfter, delay time.Duration
	}{
		{1, 10 * time.Minute, 10 * time.Minute},
		{2, time.Second, 4 * time.Minute}, // the schedule waits longer
		{1, 24 * time.Hour, 24 * time.Hour},
		{1, 48 * time.Hour, 24 * time.Hour},
		{1, -time.Hour, 4 * time.Second},
	} {
		if got, ok := webhooks.NextRetry(c.attempt, c.retryAfter, low); !ok || got != c.delay {
			t.Errorf("attempt %d, Retry-After %s: %s, want %s", c.attempt, c.retryAfter, got, c.delay)
		}
	}
}
