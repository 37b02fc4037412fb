package webhooks

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// maxRetryAfter is how far a receiver may put us off.
const maxRetryAfter = 24 * time.Hour

// NextRetry says how long to wait before a delivery is tried again. attempt is the number
// of attempts made, so 1 after the first failed; ok is false once the schedule (ten
// attempts over about three days) is used up.
//
// The schedule is spread by ±20 %: jitter returns a number in [0, 1), as
// [math/rand/v2.Float64] does. retryAfter is what the receiver asked for
// ([Attempt.RetryAfter]); it is never undercut, and spread upwards only, so that a
// backlog does not return in one second.
func NextRetry(attempt int, retryAfter time.Duration, jitter func() float64) (delay time.Duration, ok bool) {
	schedule := [...]time.Duration{
		5 * time.Second, 5 * time.Minute, 30 * time.Minute,
		2 * time.Hour, 5 * time.Hour, 10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour,
	}
	if attempt < 1 || attempt > len(schedule) {
		return 0, false
	}
	spread := jitter()
	delay = scale(schedule[attempt-1], 0.8+0.4*spread)
	asked := scale(min(retryAfter, maxRetryAfter), 1+0.2*spread)
	return max(delay, asked), true
}

func scale(d time.Duration, factor float64) time.Duration {
	return time.Duration(float64(d) * factor)
}

// retryAfterOf reads Retry-After, in seconds or as a date, of an answer whose status may
// carry it. It is 0 when absent, malformed or past, and at most 24 h.
func retryAfterOf(status int, header http.Header, now time.Time) time.Duration {
	if status != http.StatusTooManyRequests && status != http.StatusServiceUnavailable {
		return 0
	}
	value := strings.TrimSpace(header.Get("Retry-After"))
	if seconds, err := strconv.ParseUint(value, 10, 63); err == nil {
		if seconds > uint64(maxRetryAfter/time.Second) {
			return maxRetryAfter
		}
		return time.Duration(seconds) * time.Second
	}
	date, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	return min(max(date.Sub(now), 0), maxRetryAfter)
}
