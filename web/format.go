package web

import (
	"fmt"
	"html/template"
	"strconv"
	"strings"
	"time"
)

// functions are what templates can call.
func functions(files *assets) template.FuncMap {
	return template.FuncMap{
		"asset":   files.path,
		"moment":  moment,
		"machine": func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
		"size":    size,
		"percent": func(v float64) int { return int(v*100 + 0.5) },
		"words":   words,
		"review":  reviewWords,
		"tone":    tone,
		"join":    func(list []string) string { return strings.Join(list, ", ") },
		"lines":   func(s string) []string { return strings.Split(strings.TrimSpace(s), "\n") },
		"states":  func() []string { return []string{"PENDING", "ACCEPTED", "REJECTED", "RETAKE_REQUESTED"} },
		"processings": func() []string {
			return []string{"QUEUED", "PROCESSING", "COMPLETE", "FAILED"}
		},
	}
}

// moment is a time for people; pages do not know the reader's time zone, so it is UTC and says so.
func moment(t time.Time) string { return t.UTC().Format("2 Jan 2006, 15:04 UTC") }

// size is a number of bytes for people.
func size(bytes int64) string {
	switch {
	case bytes >= 1<<20:
		return strconv.FormatFloat(float64(bytes)/(1<<20), 'f', 1, 64) + " MB"
	case bytes >= 1<<10:
		return strconv.FormatInt((bytes+512)/(1<<10), 10) + " KB"
	}
	return fmt.Sprintf("%d bytes", bytes)
}

// words is the name of a state for people.
func words(state string) string {
	if w, ok := map[string]string{
		"PENDING": "Waiting", "RETAKE_REQUESTED": "Retake asked", "COMPLETE": "Finished", "OPENED": "Page seen",
		"SUBMITTED": "Photo sent", "COMPLETED": "Done", "REVOKED": "Called back",
	}[state]; ok {
		return w
	}
	s := strings.ToLower(strings.ReplaceAll(state, "_", " "))
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// reviewWords is the name of a review state for people.
func reviewWords(state string) string {
	if state == "PENDING" {
		return "To review"
	}
	return words(state)
}

// tone is the class of a state's badge.
func tone(state string) string {
	switch state {
	case "ACCEPTED", "COMPLETE", "COMPLETED", "DELIVERED", "ENABLED":
		return "good"
	case "REJECTED", "FAILED", "REVOKED", "DISABLED":
		return "bad"
	case "PENDING", "RETAKE_REQUESTED", "PAUSED":
		return "wait"
	}
	return "calm"
}

// number reads a whole number that a form gives, if it does.
func number(s string) (int, bool) {
	n, err := strconv.Atoi(s)
	return n, err == nil
}
