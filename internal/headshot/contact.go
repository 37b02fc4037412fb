package headshot

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/mail"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"headroom/ent"
	"headroom/ent/contact"
	"headroom/ent/listmembership"
	"headroom/ent/studiomembership"
	"headroom/internal/database"
	"headroom/internal/events"
)

// ContactInput is a contact to be made.
type ContactInput struct {
	FirstName, LastName, Email string
	Phone, ExternalID          *string
	CustomAttributes           json.RawMessage // one JSON object of plain values, or empty
	ListIDs, StudioIDs         []string
}

// ContactPatch changes a contact: absent keeps, null clears. CustomAttributes merges by key (null
// removes one); ListIDs and StudioIDs replace.
type ContactPatch struct {
	FirstName, LastName, Email, Phone, ExternalID Field[string]
	CustomAttributes                              Field[json.RawMessage]
	ListIDs, StudioIDs                            Field[[]string]
}

const (
	maxName       = 200
	maxAttributes = 16 << 10 // bytes of JSON
	maxKey        = 64
)

// CreateContact adds a person to the account.
//
// Errors: ValidationFailed with the field; Conflict when e-mail or externalId is taken.
func (s *Service) CreateContact(ctx context.Context, in ContactInput) (*ent.Contact, error) {
	if err := need(ctx, "contacts:write"); err != nil {
		return nil, err
	}
	var row *ent.Contact
	err := s.inTx(ctx, func(tx *txn) (err error) {
		row, err = s.createContact(ctx, tx, in, "")
		return err
	})
	if err != nil {
		return nil, err
	}
	return row.Unwrap(), nil
}

// createContact is CreateContact within a transaction. prefix is put before field names in errors.
func (s *Service) createContact(ctx context.Context, tx *txn, in ContactInput, prefix string) (*ent.Contact, error) {
	in.Email = strings.ToLower(strings.TrimSpace(in.Email))
	faults := faults{prefix: prefix}
	faults.name("firstName", in.FirstName, true)
	faults.name("lastName", in.LastName, false)
	faults.email("email", in.Email)
	faults.text("phone", in.Phone, 64)
	faults.text("externalId", in.ExternalID, 255)
	attributes, err := mergeAttributes(nil, in.CustomAttributes)
	faults.add("customAttributes", err)
	if err := faults.err(); err != nil {
		return nil, err
	}
	row, err := tx.Contact.Create().
		SetFirstName(in.FirstName).SetLastName(in.LastName).SetEmail(in.Email).
		SetNillablePhone(emptyIsNil(in.Phone)).SetNillableExternalID(emptyIsNil(in.ExternalID)).
		SetCustomAttributes(attributes).SetSortName(sortName(in.FirstName, in.LastName)).Save(ctx)
	if err != nil {
		return nil, contactFault(err, prefix)
	}
	if err := setLists(ctx, tx, row.ID, in.ListIDs, prefix); err != nil {
		return nil, err
	}
	if err := setStudios(ctx, tx, row.ID, in.StudioIDs, prefix); err != nil {
		return nil, err
	}
	err = s.event(ctx, tx, events.Draft{Topic: events.ContactCreated, SubjectID: row.ID, ContactID: row.ID})
	return row, err
}

// UpdateContact changes a contact. ifVersion, when given, must be its present version.
func (s *Service) UpdateContact(ctx context.Context, id string, p ContactPatch, ifVersion *int) (*ent.Contact, error) {
	if err := need(ctx, "contacts:write"); err != nil {
		return nil, err
	}
	var row *ent.Contact
	err := s.inTx(ctx, func(tx *txn) error {
		old, err := tx.Contact.Query().Where(contact.ID(id), forChange).Only(ctx)
		if err != nil {
			return err
		}
		if err := checkVersion(ifVersion, old.Version); err != nil {
			return err
		}
		if row, err = s.updateContact(ctx, tx, old, p, ""); err != nil {
			return err
		}
		return s.event(ctx, tx, events.Draft{Topic: events.ContactUpdated, SubjectID: id, ContactID: id})
	})
	if err != nil {
		return nil, err
	}
	return row.Unwrap(), nil
}

func (s *Service) updateContact(ctx context.Context, tx *txn, old *ent.Contact, p ContactPatch, prefix string) (*ent.Contact, error) {
	u := tx.Contact.UpdateOneID(old.ID).AddVersion(1)
	if err := patchContact(u, old, p, prefix); err != nil {
		return nil, err
	}
	row, err := u.Save(ctx)
	if err != nil {
		return nil, contactFault(err, prefix)
	}
	if p.ListIDs.Set {
		if _, err := tx.ListMembership.Delete().Where(listmembership.ContactID(row.ID)).Exec(ctx); err != nil {
			return nil, fmt.Errorf("clear lists: %w", err)
		}
		if err := setLists(ctx, tx, row.ID, p.ListIDs.Value, prefix); err != nil {
			return nil, err
		}
	}
	if p.StudioIDs.Set {
		if _, err := tx.StudioMembership.Delete().Where(studiomembership.ContactID(row.ID)).Exec(ctx); err != nil {
			return nil, fmt.Errorf("clear studios: %w", err)
		}
		if err := setStudios(ctx, tx, row.ID, p.StudioIDs.Value, prefix); err != nil {
			return nil, err
		}
	}
	return row, nil
}

// patchContact checks a patch and puts it into u.
func patchContact(u *ent.ContactUpdateOne, old *ent.Contact, p ContactPatch, prefix string) error {
	faults := faults{prefix: prefix}
	first, last := old.FirstName, old.LastName
	if p.FirstName.Set {
		first = p.FirstName.Value
		faults.name("firstName", first, true)
	}
	if p.LastName.Set {
		last = p.LastName.Value
		faults.name("lastName", last, false)
	}
	u.SetFirstName(first).SetLastName(last).SetSortName(sortName(first, last))
	if p.Email.Set {
		email := strings.ToLower(strings.TrimSpace(p.Email.Value))
		faults.email("email", email)
		u.SetEmail(email)
	}
	if p.Phone.Set {
		faults.text("phone", &p.Phone.Value, 64)
		setOrClear(p.Phone, u.SetPhone, u.ClearPhone)
	}
	if p.ExternalID.Set {
		faults.text("externalId", &p.ExternalID.Value, 255)
		setOrClear(p.ExternalID, u.SetExternalID, u.ClearExternalID)
	}
	if p.CustomAttributes.Set {
		merged, err := json.RawMessage(`{}`), error(nil)
		if !p.CustomAttributes.Null {
			merged, err = mergeAttributes(old.CustomAttributes, p.CustomAttributes.Value)
		}
		faults.add("customAttributes", err)
		u.SetCustomAttributes(merged)
	}
	return faults.err()
}

func setOrClear[B any](f Field[string], set func(string) B, clearIt func() B) {
	if f.Null || f.Value == "" {
		clearIt()
	} else {
		set(f.Value)
	}
}

// findContact finds whom in is about: by externalId, else by e-mail, unless that is somebody's with
// another externalId.
func findContact(ctx context.Context, tx *txn, in ContactInput) (*ent.Contact, error) {
	byEmail := tx.Contact.Query().Where(contact.Email(strings.ToLower(strings.TrimSpace(in.Email))), forChange)
	if in.ExternalID == nil || *in.ExternalID == "" {
		return byEmail.Only(ctx)
	}
	row, err := tx.Contact.Query().Where(contact.ExternalID(*in.ExternalID), forChange).Only(ctx)
	if ent.IsNotFound(err) {
		return byEmail.Where(contact.ExternalIDIsNil()).Only(ctx)
	}
	return row, err
}

// upsertContact updates the contact that findContact finds, or makes it. It fails as a duplicate when
// somebody makes the same at the same time; the transaction is then worth another try.
func (s *Service) upsertContact(ctx context.Context, tx *txn, in ContactInput, prefix string) (*ent.Contact, error) {
	old, err := findContact(ctx, tx, in)
	if ent.IsNotFound(err) {
		return s.createContact(ctx, tx, in, prefix)
	}
	if err != nil {
		return nil, fmt.Errorf("look up contact: %w", err)
	}
	p := ContactPatch{FirstName: To(in.FirstName), Email: To(in.Email)}
	if in.LastName != "" {
		p.LastName = To(in.LastName)
	}
	if in.Phone != nil {
		p.Phone = To(*in.Phone)
	}
	if in.ExternalID != nil {
		p.ExternalID = To(*in.ExternalID)
	}
	if len(in.CustomAttributes) > 0 {
		p.CustomAttributes = To(in.CustomAttributes)
	}
	if in.ListIDs != nil {
		p.ListIDs = To(in.ListIDs)
	}
	if in.StudioIDs != nil {
		p.StudioIDs = To(in.StudioIDs)
	}
	row, err := s.updateContact(ctx, tx, old, p, prefix)
	if err != nil {
		return nil, err
	}
	return row, s.event(ctx, tx, events.Draft{Topic: events.ContactUpdated, SubjectID: row.ID, ContactID: row.ID})
}

func contactFault(err error, prefix string) error {
	columns, ok := database.Duplicate(err)
	if !ok {
		return fmt.Errorf("save contact: %w", err)
	}
	field := "email"
	if slices.Contains(columns, contact.FieldExternalID) {
		field = "externalId"
	}
	return &Error{Kind: Conflict, Field: prefix + field, Code: "duplicate", Msg: "another contact of the account has this " + field, Err: err}
}

// Fold makes texts comparable as people expect: lower case, accents off.
func Fold(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) {
			return -1
		}
		return unicode.ToLower(r)
	}, norm.NFKD.String(text))
}

// sortName folds a name, last name first, so that both databases, which compare bytes, sort it alike.
func sortName(first, last string) string {
	folded := Fold(strings.TrimSpace(last) + " " + strings.TrimSpace(first))
	for len(folded) > 420 { // ligatures and the like may grow a name
		_, size := utf8.DecodeLastRuneInString(folded)
		folded = folded[:len(folded)-size]
	}
	return folded
}

// mergeAttributes lays the object change over the object old; a null removes its key.
func mergeAttributes(old, change json.RawMessage) (json.RawMessage, error) {
	all, more := map[string]any{}, map[string]any{}
	if len(old) > 0 {
		d := json.NewDecoder(bytes.NewReader(old))
		d.UseNumber() // a number over 2^53 stays what it is
		if err := d.Decode(&all); err != nil {
			return nil, fmt.Errorf("stored attributes: %w", err)
		}
	}
	if len(change) > 0 {
		d := json.NewDecoder(bytes.NewReader(change))
		d.UseNumber()
		if err := d.Decode(&more); err != nil {
			return nil, Fail(ValidationFailed, "must be one JSON object")
		}
	}
	for k, v := range more {
		if k == "" || utf8.RuneCountInString(k) > maxKey || badText(k) {
			return nil, Fail(ValidationFailed, "keys have 1 to %d characters of text", maxKey)
		}
		if err := storable(v); err != nil {
			return nil, Fail(ValidationFailed, "%q %s", k, err.Error())
		}
		switch v.(type) {
		case nil:
			delete(all, k)
		case map[string]any, []any:
			return nil, Fail(ValidationFailed, "%q must be a text, a number or true or false", k)
		default:
			all[k] = v
		}
	}
	raw, err := json.Marshal(all)
	if err != nil {
		return nil, fmt.Errorf("attributes: %w", err)
	}
	if len(raw) > maxAttributes {
		return nil, Fail(ValidationFailed, "is over %d bytes", maxAttributes)
	}
	return raw, nil
}

// validEmail accepts a bare address such as ada@example.com.
func validEmail(email string) bool {
	a, err := mail.ParseAddress(email)
	return err == nil && a.Address == email && len(email) <= 320 && strings.Contains(email, "@")
}
