package headshot

import (
	"context"
	"strings"

	"headroom/ent"
	"headroom/ent/list"
	"headroom/internal/database"
)

// ListInput is a list to be made.
type ListInput struct{ Name, Description string }

// ListPatch changes a list.
type ListPatch struct{ Name, Description Field[string] }

// CreateList makes a named group of contacts. The name is unique within the account.
func (s *Service) CreateList(ctx context.Context, in ListInput) (*ent.List, error) {
	if err := need(ctx, "lists:write"); err != nil {
		return nil, err
	}
	f := faults{}
	f.name("name", in.Name, true)
	f.text("description", &in.Description, 2_000)
	if err := f.err(); err != nil {
		return nil, err
	}
	var row *ent.List
	err := s.inTx(ctx, func(tx *txn) (err error) {
		row, err = tx.List.Create().SetName(strings.TrimSpace(in.Name)).SetDescription(in.Description).Save(ctx)
		return duplicateName(err)
	})
	if err != nil {
		return nil, err
	}
	return row.Unwrap(), nil
}

// UpdateList changes a list.
func (s *Service) UpdateList(ctx context.Context, id string, p ListPatch, ifVersion *int) (*ent.List, error) {
	if err := need(ctx, "lists:write"); err != nil {
		return nil, err
	}
	f := faults{}
	if p.Name.Set {
		f.name("name", p.Name.Value, true)
	}
	f.text("description", &p.Description.Value, 2_000)
	if err := f.err(); err != nil {
		return nil, err
	}
	var row *ent.List
	err := s.inTx(ctx, func(tx *txn) error {
		old, err := tx.List.Query().Where(list.ID(id), forChange).Only(ctx)
		if err != nil {
			return err
		}
		if err := checkVersion(ifVersion, old.Version); err != nil {
			return err
		}
		u := old.Update().AddVersion(1)
		if p.Name.Set {
			u.SetName(strings.TrimSpace(p.Name.Value))
		}
		if p.Description.Set {
			u.SetDescription(p.Description.Value)
		}
		row, err = u.Save(ctx)
		return duplicateName(err)
	})
	if err != nil {
		return nil, err
	}
	return row.Unwrap(), nil
}

// DeleteList deletes a list; its contacts stay.
func (s *Service) DeleteList(ctx context.Context, id string) error {
	if err := need(ctx, "lists:write"); err != nil {
		return err
	}
	return s.inTx(ctx, func(tx *txn) error {
		if err := tx.List.DeleteOneID(id).Exec(ctx); err != nil {
			return err
		}
		return s.audit(ctx, tx, "list.delete", id, nil)
	})
}

func duplicateName(err error) error {
	if database.IsUnique(err) {
		return &Error{Kind: Conflict, Field: "name", Code: "duplicate", Msg: "the account already has one of this name", Err: err}
	}
	return err
}
