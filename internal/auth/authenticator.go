package auth

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"headroom/ent"
	"headroom/ent/apikey"
	"headroom/ent/portalsession"
	"headroom/ent/studiosession"
	"headroom/ent/user"
	"headroom/internal/tenancy"
)

// Errors of authentication. Edges answer all of them alike: 401, UNAUTHENTICATED.
var (
	ErrNoCredentials = errors.New("no credentials: send Authorization: Bearer <API key>")
	ErrInvalid       = errors.New("the credentials are not valid: unknown, revoked or expired")
)

const (
	// Cookie is the name of the portal's session cookie.
	Cookie = "headroom_session"
	// SessionLifetime is how long a portal log-in lasts.
	SessionLifetime = 12 * time.Hour

	cacheFor   = 2 * time.Second
	cacheLimit = 10_000
	usedEvery  = time.Minute
)

// Authenticator finds the actor behind a credential. API keys are cached for two seconds, so a
// revoked key works at most that much longer.
type Authenticator struct {
	client *ent.Client
	log    *slog.Logger
	now    func() time.Time

	mu    sync.Mutex
	cache map[string]cached
	used  map[string]time.Time // key id → when last_used_at was last written
}

type cached struct {
	actor tenancy.Actor
	until time.Time
}

// New makes an Authenticator over client. now is the clock.
func New(client *ent.Client, log *slog.Logger, now func() time.Time) *Authenticator {
	return &Authenticator{client: client, log: log, now: now, cache: map[string]cached{}, used: map[string]time.Time{}}
}

// Header finds the actor of an Authorization header. Errors: ErrNoCredentials, ErrMalformedKey, ErrInvalid.
func (a *Authenticator) Header(ctx context.Context, header string) (tenancy.Actor, error) {
	if header == "" {
		return tenancy.Actor{}, ErrNoCredentials
	}
	scheme, token, ok := strings.Cut(header, " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") {
		return tenancy.Actor{}, ErrNoCredentials
	}
	token = strings.TrimSpace(token)
	if IsCaptureToken(token) {
		return a.Capture(ctx, token)
	}
	return a.apiKey(ctx, token)
}

func (a *Authenticator) apiKey(ctx context.Context, key string) (tenancy.Actor, error) {
	if _, err := CheckAPIKey(key); err != nil {
		return tenancy.Actor{}, err
	}
	hash, now := Hash(key), a.now()
	a.mu.Lock()
	hit, ok := a.cache[hash]
	a.mu.Unlock()
	if !ok || now.After(hit.until) {
		row, err := a.client.APIKey.Query().Where(apikey.Hash(hash), apikey.RevokedAtIsNil()).Only(tenancy.AsSystem(ctx))
		if ent.IsNotFound(err) {
			return tenancy.Actor{}, ErrInvalid
		}
		if err != nil {
			return tenancy.Actor{}, fmt.Errorf("look up an API key: %w", err)
		}
		if row.ExpiresAt != nil && !row.ExpiresAt.After(now) {
			return tenancy.Actor{}, ErrInvalid
		}
		hit = cached{
			actor: tenancy.Actor{Kind: tenancy.Key, ID: row.ID, AccountID: row.AccountID, Scopes: row.Scopes},
			until: now.Add(cacheFor),
		}
		a.remember(hash, hit)
	}
	a.touch(ctx, hit.actor.ID, now)
	return hit.actor, nil
}

func (a *Authenticator) remember(hash string, hit cached) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.cache) >= cacheLimit {
		clear(a.cache)
	}
	a.cache[hash] = hit
}

// touch writes last_used_at at most once a minute per key: a write per request would halve SQLite.
func (a *Authenticator) touch(ctx context.Context, id string, now time.Time) {
	a.mu.Lock()
	last := a.used[id]
	due := now.Sub(last) >= usedEvery
	if due {
		a.used[id] = now
	}
	a.mu.Unlock()
	if !due {
		return
	}
	go func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		err := a.client.APIKey.Update().Where(apikey.ID(id)).SetLastUsedAt(now.Truncate(time.Minute)).Exec(tenancy.AsSystem(ctx))
		if err != nil {
			a.log.WarnContext(ctx, "last_used_at was not written", "key_id", id, "error", err)
		}
	}()
}

// Forget drops a key from the cache of this node, so that revoking it works at once here.
func (a *Authenticator) Forget(keyID string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for hash, hit := range a.cache {
		if hit.actor.ID == keyID {
			delete(a.cache, hash)
		}
	}
}

// Session finds the studio session of a capture token, in whatever state it is.
func (a *Authenticator) Session(ctx context.Context, token string) (*ent.StudioSession, error) {
	if !IsCaptureToken(token) {
		return nil, ErrInvalid
	}
	row, err := a.client.StudioSession.Query().Where(studiosession.TokenHash(Hash(token))).Only(tenancy.AsSystem(ctx))
	if ent.IsNotFound(err) {
		return nil, ErrInvalid
	}
	if err != nil {
		return nil, fmt.Errorf("look up a capture token: %w", err)
	}
	return row, nil
}

// CaptureActor is the actor of a session's link.
func CaptureActor(row *ent.StudioSession) tenancy.Actor {
	return tenancy.Actor{
		Kind: tenancy.Capture, ID: row.ID, AccountID: row.AccountID,
		SessionID: row.ID, ContactID: row.ContactID, StudioID: row.StudioID,
	}
}

// Capture finds the actor of a capture token of a session that is neither revoked nor expired.
func (a *Authenticator) Capture(ctx context.Context, token string) (tenancy.Actor, error) {
	row, err := a.Session(ctx, token)
	if err != nil {
		return tenancy.Actor{}, err
	}
	if row.State == studiosession.StateRevoked || row.State == studiosession.StateExpired || !row.ExpiresAt.After(a.now()) {
		return tenancy.Actor{}, ErrInvalid
	}
	return CaptureActor(row), nil
}

// LogIn checks e-mail and password and opens a portal session. It returns the token for the cookie.
// Errors: ErrInvalid, alike for an unknown user and a wrong password, in like time.
func (a *Authenticator) LogIn(ctx context.Context, email, password string) (string, error) {
	ctx = tenancy.AsSystem(ctx)
	// NUL and broken UTF-8 are in nobody's address, and PostgreSQL fails on them.
	email = strings.ReplaceAll(strings.ToValidUTF8(strings.ToLower(strings.TrimSpace(email)), "?"), "\x00", "?")
	row, err := a.client.User.Query().Where(user.Email(email), user.DisabledAtIsNil()).Only(ctx)
	if err != nil && !ent.IsNotFound(err) {
		return "", fmt.Errorf("look up a user: %w", err)
	}
	hash := ""
	if row != nil {
		hash = row.PasswordHash
	}
	if !CheckPassword(hash, password) || row == nil {
		return "", ErrInvalid
	}
	random := make([]byte, 32)
	if _, err := rand.Read(random); err != nil {
		return "", fmt.Errorf("make a session token: %w", err)
	}
	token, now := base64.RawURLEncoding.EncodeToString(random), a.now()
	err = a.client.PortalSession.Create().SetAccountID(row.AccountID).SetUserID(row.ID).SetTokenHash(Hash(token)).
		SetExpiresAt(now.Add(SessionLifetime)).Exec(ctx)
	if err != nil {
		return "", fmt.Errorf("open a portal session: %w", err)
	}
	if err := a.client.User.UpdateOneID(row.ID).SetLastLoginAt(now).Exec(ctx); err != nil {
		return "", fmt.Errorf("note the log-in: %w", err)
	}
	return token, nil
}

// LogOut ends a portal session.
func (a *Authenticator) LogOut(ctx context.Context, token string) error {
	_, err := a.client.PortalSession.Delete().Where(portalsession.TokenHash(Hash(token))).Exec(tenancy.AsSystem(ctx))
	if err != nil {
		return fmt.Errorf("close a portal session: %w", err)
	}
	return nil
}

// Portal finds the actor of a portal session's token.
func (a *Authenticator) Portal(ctx context.Context, token string) (tenancy.Actor, error) {
	row, err := a.client.PortalSession.Query().
		Where(portalsession.TokenHash(Hash(token)), portalsession.ExpiresAtGT(a.now())).
		WithUser().Only(tenancy.AsSystem(ctx))
	if ent.IsNotFound(err) || (err == nil && (row.Edges.User == nil || row.Edges.User.DisabledAt != nil)) {
		return tenancy.Actor{}, ErrInvalid
	}
	if err != nil {
		return tenancy.Actor{}, fmt.Errorf("look up a portal session: %w", err)
	}
	u := row.Edges.User
	return tenancy.Actor{Kind: tenancy.User, ID: u.ID, AccountID: u.AccountID, Scopes: RoleScopes(string(u.Role))}, nil
}

// Still says whether the user behind ctx's actor is still logged in somewhere: the check of long-lived
// streams that began with a cookie. Other actors are checked by their own credential.
func (a *Authenticator) Still(ctx context.Context) error {
	actor, ok := tenancy.From(ctx)
	if !ok || actor.Kind != tenancy.User {
		return nil
	}
	here, err := a.client.PortalSession.Query().
		Where(portalsession.UserID(actor.ID), portalsession.ExpiresAtGT(a.now()), portalsession.HasUserWith(user.DisabledAtIsNil())).
		Exist(tenancy.AsSystem(ctx))
	if err != nil {
		return fmt.Errorf("look up portal sessions: %w", err)
	}
	if !here {
		return ErrInvalid
	}
	return nil
}

type failureKey struct{}

// Failure returns why the request of ctx has no actor, or nil.
func Failure(ctx context.Context) error {
	err, _ := ctx.Value(failureKey{}).(error)
	return err
}

// Middleware puts the actor of the Authorization header, else of the portal's cookie, into the
// request's context; without one, the reason (see Failure). Each edge refuses in its own form.
// Requests by cookie that change something must come from our own pages: from the host asked, or from
// origin, under which browsers know the server when a proxy in front of it changes the host.
func (a *Authenticator) Middleware(origin string, next http.Handler) (http.Handler, error) {
	sameOrigin := http.NewCrossOriginProtection()
	if err := sameOrigin.AddTrustedOrigin(origin); err != nil {
		return nil, fmt.Errorf("base URL: %w", err)
	}
	guarded := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := r.Context()
		actor, err := a.Header(ctx, r.Header.Get("Authorization"))
		if errors.Is(err, ErrNoCredentials) {
			if c, cookieErr := r.Cookie(Cookie); cookieErr == nil {
				if err = sameOrigin.Check(r); err == nil {
					actor, err = a.Portal(ctx, c.Value)
				}
			}
		}
		if err != nil {
			ctx = context.WithValue(ctx, failureKey{}, err)
		} else {
			ctx = tenancy.With(ctx, actor)
		}
		next.ServeHTTP(w, r.WithContext(ctx))
	})
	return guarded, nil
}
