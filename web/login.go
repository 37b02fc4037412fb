package web

import (
	"errors"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"headroom/internal/auth"
)

// Limits of wrong log-ins: per e-mail and address, and per address over all e-mails.
const (
	triesPerUser    = 5
	triesPerAddress = 100
	triesWindow     = 15 * time.Minute
	triesKept       = 10_000
)

// tries counts log-ins that have not succeeded, in memory.
type tries struct {
	now func() time.Time
	mu  sync.Mutex
	by  map[string]try
}

type try struct {
	count int
	until time.Time // when the count starts anew
}

func newTries(now func() time.Time) *tries { return &tries{now: now, by: map[string]try{}} }

// take counts one try under each key before it is made, so that tries in parallel count too. When a
// key's limit is reached, it says how long to wait.
func (t *tries) take(limits map[string]int) (wait time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	if len(t.by) >= triesKept {
		t.prune(now)
	}
	for key, limit := range limits {
		if e, ok := t.by[key]; ok && now.Before(e.until) && e.count >= limit {
			wait = max(wait, e.until.Sub(now))
		}
	}
	if wait > 0 {
		return wait
	}
	for key := range limits {
		e := t.by[key]
		if !now.Before(e.until) {
			e = try{until: now.Add(triesWindow)}
		}
		e.count++
		t.by[key] = e
	}
	return 0
}

// prune drops what is over, and when that is nothing, the entry nearest to its end.
func (t *tries) prune(now time.Time) {
	first := ""
	for key, e := range t.by {
		if !now.Before(e.until) {
			delete(t.by, key)
		} else if first == "" || e.until.Before(t.by[first].until) {
			first = key
		}
	}
	if len(t.by) >= triesKept {
		delete(t.by, first)
	}
}

// succeed takes one try back from every key, and forgets the user's.
func (t *tries) succeed(user, address string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.by, user)
	if e, ok := t.by[address]; ok {
		e.count--
		t.by[address] = e
	}
}

type loginForm struct{ Email string }

func (wb *Web) logInPage(w http.ResponseWriter, r *http.Request) error {
	if _, err := wb.actor(r); err == nil {
		http.Redirect(w, r, "/submissions", http.StatusSeeOther)
		return nil
	}
	return wb.render(w, r, http.StatusOK, "login", view{Title: "Log in", Page: loginForm{}})
}

// logIn answers alike for an unknown e-mail and a wrong password.
func (wb *Web) logIn(w http.ResponseWriter, r *http.Request) error {
	email := strings.ToLower(strings.TrimSpace(r.PostFormValue("email")))
	address, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		address = r.RemoteAddr
	}
	v := view{Title: "Log in", Page: loginForm{Email: email}}
	user, from := auth.Hash("user "+email+" "+address), auth.Hash("address "+address)
	if wait := wb.tries.take(map[string]int{user: triesPerUser, from: triesPerAddress}); wait > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(wait.Seconds())+1))
		v.Alert = "Too many tries. Please wait " + strconv.Itoa(int(wait.Minutes())+1) + " minutes, then try again."
		return wb.render(w, r, http.StatusTooManyRequests, "login", v)
	}
	select {
	case wb.logins <- struct{}{}:
		defer func() { <-wb.logins }()
	case <-r.Context().Done():
		return nil
	}
	token, err := wb.Auth.LogIn(r.Context(), email, r.PostFormValue("password"))
	if errors.Is(err, auth.ErrInvalid) {
		v.Alert = "This e-mail address and password do not belong together."
		return wb.render(w, r, http.StatusUnauthorized, "login", v)
	}
	if err != nil {
		return err
	}
	wb.tries.succeed(user, from)
	if old, err := r.Cookie(auth.Cookie); err == nil { // a browser has one session at a time
		if err := wb.Auth.LogOut(r.Context(), old.Value); err != nil {
			return err
		}
	}
	wb.setCookie(w, token, int(auth.SessionLifetime.Seconds()))
	http.Redirect(w, r, "/submissions", http.StatusSeeOther)
	return nil
}

func (wb *Web) logOut(w http.ResponseWriter, r *http.Request) error {
	if c, err := r.Cookie(auth.Cookie); err == nil {
		if err := wb.Auth.LogOut(r.Context(), c.Value); err != nil {
			return err
		}
	}
	wb.setCookie(w, "", -1)
	http.Redirect(w, r, "/", http.StatusSeeOther)
	return nil
}

func (wb *Web) setCookie(w http.ResponseWriter, token string, age int) {
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // Secure wherever the base URL is https; over http it would not come back
		Name: auth.Cookie, Value: token, Path: "/", MaxAge: age,
		HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: strings.HasPrefix(wb.BaseURL(), "https://"),
	})
}
