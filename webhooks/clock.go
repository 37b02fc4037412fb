package webhooks

import "time"

// wall is the default clock.
func wall() time.Time { return time.Now() }
