package headshot

import (
	"context"
	"fmt"
	"time"

	"headroom/ent"
	"headroom/ent/account"
	"headroom/ent/apikey"
	"headroom/internal/auth"
	"headroom/internal/tenancy"
)

// KeyInput is an API key to be made.
type KeyInput struct {
	Name      string
	Scopes    []string
	ExpiresAt *time.Time // nil: never
	Test      bool       // a key of the account's TEST twin
}

// CreateKey makes an API key and returns it; it is shown here only.
//
// Errors: ValidationFailed with the field; Forbidden for scopes that the actor does not hold.
func (s *Service) CreateKey(ctx context.Context, in KeyInput) (*ent.APIKey, string, error) {
	if err := need(ctx, "admin"); err != nil {
		return nil, "", err
	}
	f := faults{}
	f.name("name", in.Name, true)
	if len(in.Scopes) == 0 {
		f.say("scopes", "name at least one")
	}
	for _, scope := range in.Scopes {
		if !auth.ValidScope(scope) {
			f.say("scopes", "there is no scope "+scope)
		}
	}
	if in.ExpiresAt != nil && !in.ExpiresAt.After(s.Now()) {
		f.say("expiresAt", "is in the past")
	}
	if err := f.err(); err != nil {
		return nil, "", err
	}
	a, _ := tenancy.From(ctx)
	var row *ent.APIKey
	var secret string
	err := s.inTx(ctx, func(tx *txn) (err error) {
		owner, err := keyOwner(ctx, tx, a.AccountID, in.Test)
		if err != nil {
			return err
		}
		row, secret, err = createKey(tenancy.AsWorker(ctx, owner.ID), tx, owner, in, a.ID)
		if err != nil {
			return err
		}
		return s.audit(ctx, tx, "api_key.create", row.ID, map[string]any{"scopes": in.Scopes, "test": in.Test})
	})
	if err != nil {
		return nil, "", err
	}
	return row.Unwrap(), secret, nil
}

// keyOwner is the account itself or its TEST twin.
func keyOwner(ctx context.Context, tx *txn, accountID string, test bool) (*ent.Account, error) {
	own, err := tx.Account.Get(ctx, accountID)
	if err != nil {
		return nil, fmt.Errorf("load account: %w", err)
	}
	if !test || own.Mode == account.ModeTest {
		return own, nil
	}
	twin, err := tx.Account.Query().Where(account.LiveAccountID(accountID)).Only(tenancy.AsSystem(ctx))
	if err != nil {
		return nil, fmt.Errorf("load test account: %w", err)
	}
	return twin, nil
}

func createKey(ctx context.Context, tx *txn, owner *ent.Account, in KeyInput, by string) (*ent.APIKey, string, error) {
	secret, err := auth.NewAPIKey(owner.Mode == account.ModeTest)
	if err != nil {
		return nil, "", err
	}
	row, err := insertKey(ctx, tx, in, secret, by)
	return row, secret, err
}

func insertKey(ctx context.Context, tx *txn, in KeyInput, secret, by string) (*ent.APIKey, error) {
	row, err := tx.APIKey.Create().SetName(in.Name).SetScopes(unique(in.Scopes)).SetNillableExpiresAt(in.ExpiresAt).
		SetHash(auth.Hash(secret)).SetHint(auth.Hint(secret)).SetCreatedBy(by).Save(ctx)
	if err != nil {
		return nil, fmt.Errorf("insert API key: %w", err)
	}
	return row, nil
}

// twinKey finds a key of the TEST twin of ctx's account, and gives the context to change it in.
func twinKey(ctx context.Context, tx *txn, id string) (*ent.APIKey, context.Context, error) {
	a, _ := tenancy.From(ctx)
	twin, err := keyOwner(ctx, tx, a.AccountID, true)
	if err != nil {
		return nil, ctx, err
	}
	inTwin := tenancy.AsWorker(ctx, twin.ID)
	row, err := tx.APIKey.Query().Where(apikey.ID(id), forChange).Only(inTwin)
	return row, inTwin, err
}

// RevokeKey ends an API key of the account or of its TEST twin.
func (s *Service) RevokeKey(ctx context.Context, id string) (*ent.APIKey, error) {
	if err := need(ctx, "admin"); err != nil {
		return nil, err
	}
	var row *ent.APIKey
	err := s.inTx(ctx, func(tx *txn) error {
		owner := ctx
		old, err := tx.APIKey.Query().Where(apikey.ID(id), forChange).Only(owner)
		if ent.IsNotFound(err) { // perhaps the test account's, whose keys are made here too
			old, owner, err = twinKey(ctx, tx, id)
		}
		if err != nil {
			return err
		}
		if row = old; old.RevokedAt != nil {
			return nil
		}
		if row, err = old.Update().SetRevokedAt(s.Now()).AddVersion(1).Save(owner); err != nil {
			return err
		}
		return s.audit(ctx, tx, "api_key.revoke", id, nil)
	})
	if err != nil {
		return nil, err
	}
	if s.OnKeyRevoked != nil {
		s.OnKeyRevoked(id)
	}
	return row.Unwrap(), nil
}
