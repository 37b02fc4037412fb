package schema

import "time"

// Now is the time as every row stores it: UTC, whole milliseconds.
func Now() time.Time { return time.Now().UTC().Truncate(time.Millisecond) }
