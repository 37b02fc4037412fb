package headshot

import (
	"context"
	"fmt"
	"strings"

	"headroom/ent"
	"headroom/ent/account"
	"headroom/ent/user"
	"headroom/internal/auth"
	"headroom/internal/database"
	"headroom/internal/tenancy"
)

// AccountInput is a tenant to be made.
type AccountInput struct {
	Name            string
	Key             string // an admin API key of exactly this value; empty: a new one is made
	Email, Password string // the owner's log-in; both or neither
}

// AccountCreated is a tenant just made.
type AccountCreated struct {
	Account, Twin *ent.Account
	Studio        *ent.Studio
	APIKey        string
}

// CreateAccount makes an account with its TEST twin, a default studio in each, an admin API key and,
// when asked, an owner. For the program itself: ctx is made System.
func (s *Service) CreateAccount(ctx context.Context, in AccountInput) (AccountCreated, error) {
	hash, err := checkAccount(&in)
	if err != nil {
		return AccountCreated{}, err
	}
	var out AccountCreated
	ctx = tenancy.AsSystem(ctx)
	err = s.inTx(ctx, func(tx *txn) (err error) {
		if out.Account, err = tx.Account.Create().SetName(in.Name).Save(ctx); err != nil {
			return fmt.Errorf("insert account: %w", err)
		}
		out.Twin, err = tx.Account.Create().SetName(twinName(in.Name)).SetMode(account.ModeTest).SetLiveAccountID(out.Account.ID).Save(ctx)
		if err != nil {
			return fmt.Errorf("insert test account: %w", err)
		}
		for _, acc := range []*ent.Account{out.Twin, out.Account} { // the live studio last: it is the one returned
			out.Studio, err = createStudio(tenancy.AsWorker(ctx, acc.ID), tx, StudioInput{Name: "Headshots"})
			if err != nil {
				return fmt.Errorf("insert studio: %w", err)
			}
		}
		if hash != "" {
			err := tx.User.Create().SetAccountID(out.Account.ID).SetEmail(in.Email).SetRole(user.RoleOwner).SetPasswordHash(hash).Exec(ctx)
			if err != nil {
				return duplicateName(err)
			}
		}
		own := tenancy.AsWorker(ctx, out.Account.ID)
		if out.APIKey, err = firstKey(own, tx, out.Account, in.Key); err != nil {
			return err
		}
		return s.audit(own, tx, "account.create", out.Account.ID, nil)
	})
	if err != nil {
		return AccountCreated{}, err
	}
	out.Account, out.Twin, out.Studio = out.Account.Unwrap(), out.Twin.Unwrap(), out.Studio.Unwrap()
	return out, nil
}

// firstKey makes the account's admin API key: of exactly value, or a new one.
func firstKey(ctx context.Context, tx *txn, owner *ent.Account, value string) (string, error) {
	key := KeyInput{Name: "First key", Scopes: []string{"admin"}}
	if value != "" {
		_, err := insertKey(ctx, tx, key, value, "")
		return value, err
	}
	_, value, err := createKey(ctx, tx, owner, key, "")
	return value, err
}

// twinName is name and what it is, within the length of a name.
func twinName(name string) string {
	const suffix = " (test)"
	if runes := []rune(name); len(runes) > maxName-len(suffix) {
		name = string(runes[:maxName-len(suffix)])
	}
	return name + suffix
}

// checkAccount checks in and returns the hash of the owner's password.
func checkAccount(in *AccountInput) (hash string, err error) {
	f := faults{}
	f.name("name", in.Name, true)
	if in.Key != "" {
		if test, err := auth.CheckAPIKey(in.Key); err != nil || test {
			f.say("key", "is not a live API key: hr_live_ + 30 base62 characters + 6 of checksum")
		}
	}
	if in.Email != "" {
		in.Email = strings.ToLower(strings.TrimSpace(in.Email))
		f.email("email", in.Email)
		if hash, err = auth.HashPassword(in.Password); err != nil {
			f.add("password", err)
		}
	}
	return hash, f.err()
}

// CreateKeyFor is CreateKey for the operator at the machine, who holds every account.
func (s *Service) CreateKeyFor(ctx context.Context, accountID string, in KeyInput) (*ent.APIKey, string, error) {
	known, err := s.Client.Account.Query().Where(account.ID(accountID)).Exist(tenancy.AsSystem(ctx))
	if err != nil {
		return nil, "", s.fault("look up account", err)
	}
	if !known {
		return nil, "", Invalid("account", "there is no account %s", accountID)
	}
	return s.CreateKey(tenancy.AsWorker(ctx, accountID), in)
}

// Bootstrap makes the first account on an empty database, and nothing on any other. It says whether it did.
func (s *Service) Bootstrap(ctx context.Context, in AccountInput) (bool, error) {
	some, err := s.Client.Account.Query().Exist(tenancy.AsSystem(ctx))
	if err != nil || some {
		return false, s.faultOrNil("look for accounts", err)
	}
	if _, err = s.CreateAccount(ctx, in); database.IsUnique(err) { // another node, which starts with the same settings, was first
		return false, nil
	}
	return err == nil, err
}

func (s *Service) faultOrNil(what string, err error) error {
	if err == nil {
		return nil
	}
	return s.fault(what, err)
}
