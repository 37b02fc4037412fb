package headshot

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"

	"headroom/ent"
	"headroom/ent/studio"
)

// StudioInput is a studio to be made. Zero values give the default.
type StudioInput struct {
	Name, Guidelines  string
	Brand, Look       json.RawMessage
	ConsentText       *string // nil: the default text
	AutoAccept        *bool   // nil: true
	MinQuality        float64 // 0..1
	ForbidManyFaces   bool
	SessionTTLSeconds int
}

// StudioPatch changes a studio.
type StudioPatch struct {
	Name, Guidelines, ConsentText Field[string]
	Brand, Look                   Field[json.RawMessage]
	AutoAccept, ForbidManyFaces   Field[bool]
	MinQuality                    Field[float64]
	SessionTTLSeconds             Field[int]
}

// DefaultConsent is what a person agrees to unless the studio says otherwise.
const DefaultConsent = "I agree that my photo is stored and turned into a headshot, and that my organisation " +
	"may use the headshot in its directories and tools. I can ask for my photo to be deleted at any time."

const maxSessionTTL = 366 * 24 * 3600

func (s *Service) checkStudio(p StudioPatch) error {
	f := faults{}
	if p.Name.Set {
		f.name("name", p.Name.Value, true)
	}
	f.text("guidelines", &p.Guidelines.Value, 10_000)
	f.text("consentText", &p.ConsentText.Value, 10_000)
	if p.Look.Set && !p.Look.Null && len(p.Look.Value) > 0 {
		f.add("look", s.CheckLook(p.Look.Value))
	}
	if p.Brand.Set && !p.Brand.Null {
		f.object("brand", p.Brand.Value)
	}
	if q := p.MinQuality; q.Set && (q.Value < 0 || q.Value > 1) {
		f.say("minQuality", "is between 0 and 1")
	}
	if t := p.SessionTTLSeconds; t.Set && (t.Value < 60 || t.Value > maxSessionTTL) {
		f.say("sessionTtlSeconds", "is between a minute and 366 days")
	}
	return f.err()
}

// CreateStudio makes a studio.
func (s *Service) CreateStudio(ctx context.Context, in StudioInput) (*ent.Studio, error) {
	if err := need(ctx, "studios:write"); err != nil {
		return nil, err
	}
	p := StudioPatch{Name: To(in.Name), Guidelines: To(in.Guidelines), MinQuality: To(in.MinQuality)}
	if in.ConsentText != nil {
		p.ConsentText = To(*in.ConsentText)
	}
	if len(in.Look) > 0 {
		p.Look = To(in.Look)
	}
	if len(in.Brand) > 0 {
		p.Brand = To(in.Brand)
	}
	if in.SessionTTLSeconds != 0 {
		p.SessionTTLSeconds = To(in.SessionTTLSeconds)
	}
	if err := s.checkStudio(p); err != nil {
		return nil, err
	}
	var row *ent.Studio
	err := s.inTx(ctx, func(tx *txn) (err error) {
		row, err = createStudio(ctx, tx, in)
		return err
	})
	if err != nil {
		return nil, err
	}
	return row.Unwrap(), nil
}

func createStudio(ctx context.Context, tx *txn, in StudioInput) (*ent.Studio, error) {
	c := tx.Studio.Create().SetName(strings.TrimSpace(in.Name)).SetGuidelines(in.Guidelines).SetConsentText(DefaultConsent).
		SetNillableConsentText(in.ConsentText).SetNillableAutoAccept(in.AutoAccept).SetMinQuality(in.MinQuality).
		SetForbidManyFaces(in.ForbidManyFaces)
	if len(in.Look) > 0 {
		c.SetLook(in.Look)
	}
	if len(in.Brand) > 0 {
		c.SetBrand(in.Brand)
	}
	if in.SessionTTLSeconds > 0 {
		c.SetSessionTTLSeconds(in.SessionTTLSeconds)
	}
	return c.Save(ctx)
}

// UpdateStudio changes a studio. A changed look gets a new look version; submissions keep theirs until reprocessed.
func (s *Service) UpdateStudio(ctx context.Context, id string, p StudioPatch, ifVersion *int) (*ent.Studio, error) {
	if err := need(ctx, "studios:write"); err != nil {
		return nil, err
	}
	if err := s.checkStudio(p); err != nil {
		return nil, err
	}
	var row *ent.Studio
	err := s.inTx(ctx, func(tx *txn) error {
		old, err := tx.Studio.Query().Where(studio.ID(id), forChange).Only(ctx)
		if err != nil {
			return err
		}
		if err := checkVersion(ifVersion, old.Version); err != nil {
			return err
		}
		if row, err = patchStudio(old, p).Save(ctx); err != nil {
			return err
		}
		return s.audit(ctx, tx, "studio.update", id, nil)
	})
	if err != nil {
		return nil, err
	}
	return row.Unwrap(), nil
}

func patchStudio(old *ent.Studio, p StudioPatch) *ent.StudioUpdateOne {
	u := old.Update().AddVersion(1)
	if p.Name.Set {
		u.SetName(strings.TrimSpace(p.Name.Value))
	}
	if p.Guidelines.Set {
		u.SetGuidelines(p.Guidelines.Value)
	}
	if p.ConsentText.Set && p.ConsentText.Value != old.ConsentText {
		version, _ := strconv.Atoi(old.ConsentVersion) // ours are numbers
		u.SetConsentText(p.ConsentText.Value).SetConsentVersion(strconv.Itoa(version + 1))
	}
	if p.Brand.Set {
		if p.Brand.Null {
			u.ClearBrand()
		} else {
			u.SetBrand(p.Brand.Value)
		}
	}
	if p.Look.Set {
		u.AddLookVersion(1)
		if p.Look.Null || len(p.Look.Value) == 0 {
			u.ClearLook()
		} else {
			u.SetLook(p.Look.Value)
		}
	}
	if p.AutoAccept.Set {
		u.SetAutoAccept(p.AutoAccept.Value || p.AutoAccept.Null) // true is the default
	}
	if p.ForbidManyFaces.Set {
		u.SetForbidManyFaces(p.ForbidManyFaces.Value)
	}
	if p.MinQuality.Set {
		u.SetMinQuality(p.MinQuality.Value)
	}
	if p.SessionTTLSeconds.Set {
		u.SetSessionTTLSeconds(p.SessionTTLSeconds.Value)
	}
	return u
}
