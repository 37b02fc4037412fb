package auth

import "slices"

// nouns that scopes are about.
func nouns() []string {
	return []string{"contacts", "lists", "studios", "sessions", "submissions", "webhooks", "events", "account"}
}

// Scopes lists every scope an API key may hold.
func Scopes() []string {
	all := []string{"admin"}
	for _, noun := range nouns() {
		all = append(all, noun+":read", noun+":write")
	}
	return all
}

// ValidScope says whether scope exists.
func ValidScope(scope string) bool { return slices.Contains(Scopes(), scope) }

// RoleScopes gives the scopes of a portal role: VIEWER, REVIEWER, ADMIN or OWNER.
func RoleScopes(role string) []string {
	var read, write []string
	for _, noun := range nouns() {
		read = append(read, noun+":read")
		write = append(write, noun+":write")
	}
	switch role {
	case "OWNER":
		return []string{"admin"}
	case "ADMIN":
		return write
	case "REVIEWER":
		return append(read, "submissions:write")
	case "VIEWER":
		return read
	}
	return nil
}
