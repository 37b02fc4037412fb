package headshot

import (
	"context"
	"fmt"
	"slices"

	"headroom/ent"
	"headroom/ent/list"
	"headroom/ent/studio"
)

// maxGroups is how many lists or studios one input may name.
const maxGroups = 500

// setLists puts a contact into lists; unknown ids are named by their place in the input.
func setLists(ctx context.Context, tx *txn, contactID string, ids []string, prefix string) error {
	if len(ids) == 0 {
		return nil
	}
	if ids = unique(ids); len(ids) > maxGroups {
		return Invalid(prefix+"listIds", "are %d at most", maxGroups)
	}
	known, err := tx.List.Query().Where(list.IDIn(ids...)).IDs(ctx)
	if err != nil {
		return fmt.Errorf("look up lists: %w", err)
	}
	if err := unknown(ids, known, prefix+"listIds", "list"); err != nil {
		return err
	}
	rows := make([]*ent.ListMembershipCreate, len(ids))
	for i, id := range ids {
		rows[i] = tx.ListMembership.Create().SetContactID(contactID).SetListID(id)
	}
	if err := tx.ListMembership.CreateBulk(rows...).Exec(ctx); err != nil {
		return fmt.Errorf("put contact into lists: %w", err)
	}
	return nil
}

// setStudios puts a contact into studios.
func setStudios(ctx context.Context, tx *txn, contactID string, ids []string, prefix string) error {
	if len(ids) == 0 {
		return nil
	}
	if ids = unique(ids); len(ids) > maxGroups {
		return Invalid(prefix+"studioIds", "are %d at most", maxGroups)
	}
	known, err := tx.Studio.Query().Where(studio.IDIn(ids...)).IDs(ctx)
	if err != nil {
		return fmt.Errorf("look up studios: %w", err)
	}
	if err := unknown(ids, known, prefix+"studioIds", "studio"); err != nil {
		return err
	}
	rows := make([]*ent.StudioMembershipCreate, len(ids))
	for i, id := range ids {
		rows[i] = tx.StudioMembership.Create().SetContactID(contactID).SetStudioID(id)
	}
	if err := tx.StudioMembership.CreateBulk(rows...).Exec(ctx); err != nil {
		return fmt.Errorf("put contact into studios: %w", err)
	}
	return nil
}

func unique(ids []string) []string {
	out := slices.Clone(ids)
	slices.Sort(out)
	return slices.Compact(out)
}

func unknown(asked, known []string, field, noun string) error {
	for _, id := range asked {
		if !slices.Contains(known, id) {
			return &Error{Kind: ValidationFailed, Field: field, Code: "unknown_id", Msg: "there is no " + noun + " " + id}
		}
	}
	return nil
}
