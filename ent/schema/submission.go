package schema

import (
	"encoding/json"

	"entgo.io/ent"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// Submission is one photo handed in, its review and its revisions.
type Submission struct{ ent.Schema }

// Mixin of Submission.
func (Submission) Mixin() []ent.Mixin { return []ent.Mixin{row{prefix: "sub"}, owned{}, changeable{}} }

// Fields of Submission.
func (Submission) Fields() []ent.Field {
	return []ent.Field{
		field.String("studio_id").Immutable(),
		field.String("contact_id").Immutable(),
		field.String("studio_session_id").Optional().Nillable().Immutable(),
		field.String("replaces_id").Optional().Nillable().Immutable().Comment("The submission this retake replaces."),
		field.Enum("state").NamedValues("Pending", "PENDING", "Accepted", "ACCEPTED", "Rejected", "REJECTED",
			"RetakeRequested", "RETAKE_REQUESTED").Default("PENDING"),
		field.Enum("processing_state").NamedValues("Queued", "QUEUED", "Processing", "PROCESSING",
			"Complete", "COMPLETE", "Failed", "FAILED").Default("QUEUED").Comment("That of the newest revision."),
		field.Bool("complete").Default(false).Comment("ACCEPTED and some revision is COMPLETE."),
		field.Time("completed_at").Optional().Nillable().Annotations(orderField("COMPLETED_AT")),
		field.Float("progress").Default(0).Min(0).Max(1),
		field.String("progress_step").Default("").MaxLen(40),
		field.String("revision_id").Optional().Nillable().Comment("The newest revision."),
		field.String("complete_revision_id").Optional().Nillable().Comment("The last COMPLETE revision, whose images are shown."),
		field.String("failure_code").Optional().Nillable().MaxLen(40),
		field.String("failure_message").Optional().Nillable().MaxLen(1_000),
		field.JSON("quality", json.RawMessage{}).Optional(),
		field.JSON("warnings", json.RawMessage{}).Optional().Comment(`[{"code", "message"}]`),
		field.Strings("review_reasons").Optional(),
		field.String("review_note").Optional().Nillable().MaxLen(2_000),
		field.String("reviewed_by").Optional().Nillable(),
		field.Time("reviewed_at").Optional().Nillable(),
	}
}

// Edges of Submission.
func (Submission) Edges() []ent.Edge {
	return []ent.Edge{
		edge.From("studio", Studio.Type).Ref("submissions").Field("studio_id").Unique().Required().Immutable(),
		edge.From("contact", Contact.Type).Ref("submissions").Field("contact_id").Unique().Required().Immutable(),
		edge.From("studio_session", StudioSession.Type).Ref("submissions").Field("studio_session_id").Unique().Immutable(),
		edge.To("revisions", Revision.Type),
		edge.To("images", Image.Type),
	}
}

// Indexes of Submission.
func (Submission) Indexes() []ent.Index {
	return []ent.Index{
		byOrder("created_at"), byOrder("updated_at"), byOrder("completed_at"),
		byOrder("studio_id", "created_at"), byOrder("contact_id", "created_at"), byOrder("state", "created_at"),
		byOrder("processing_state", "created_at"), byOrder("complete", "created_at"),
		index.Fields("studio_session_id"), index.Fields("replaces_id"),
	}
}

// Annotations of Submission.
func (Submission) Annotations() []schema.Annotation { return table("submissions") }

// Revision is one processing of a submission's original with one version of the look and models.
type Revision struct{ ent.Schema }

// Mixin of Revision.
func (Revision) Mixin() []ent.Mixin { return []ent.Mixin{row{prefix: "rev"}, owned{}, changeable{}} }

// Fields of Revision.
func (Revision) Fields() []ent.Field {
	return []ent.Field{
		field.String("submission_id").Immutable(),
		field.Int("number").Positive().Immutable().Comment("1 for the first revision of a submission, then 2, …"),
		field.Enum("processing_state").NamedValues("Queued", "QUEUED", "Processing", "PROCESSING",
			"Complete", "COMPLETE", "Failed", "FAILED").Default("QUEUED"),
		field.JSON("look", json.RawMessage{}).Optional().Immutable(),
		field.Int("look_version").Default(1).Immutable(),
		field.Bool("forbid_many_faces").Default(false).Immutable(),
		field.Bool("notify").Default(true).Immutable().Comment("Raise SUBMISSION_COMPLETE again when the submission already was complete."),
		field.String("profile").Default("").MaxLen(40),
		field.JSON("models", json.RawMessage{}).Optional().Comment("Model name → sha256."),
		field.JSON("steps", json.RawMessage{}).Optional().Comment("Step → milliseconds, wall and CPU."),
		field.JSON("quality", json.RawMessage{}).Optional(),
		field.String("failure_code").Optional().Nillable().MaxLen(40),
		field.String("failure_message").Optional().Nillable().MaxLen(1_000),
		field.Int("attempts").Default(0).NonNegative(),
		field.Time("started_at").Optional().Nillable(),
		field.Time("finished_at").Optional().Nillable(),
	}
}

// Edges of Revision.
func (Revision) Edges() []ent.Edge {
	return []ent.Edge{
		edge.From("submission", Submission.Type).Ref("revisions").Field("submission_id").Unique().Required().Immutable(),
		edge.To("images", Image.Type),
	}
}

// Indexes of Revision.
func (Revision) Indexes() []ent.Index {
	return []ent.Index{byOrder("created_at"), index.Fields("submission_id", "number").Unique()}
}

// Annotations of Revision.
func (Revision) Annotations() []schema.Annotation { return table("revisions") }

// Image is one stored picture.
type Image struct{ ent.Schema }

// Mixin of Image.
func (Image) Mixin() []ent.Mixin { return []ent.Mixin{row{prefix: "img"}, owned{}} }

// Fields of Image.
func (Image) Fields() []ent.Field {
	return []ent.Field{
		field.String("submission_id").Immutable(),
		field.String("revision_id").Optional().Nillable().Immutable().Comment("Empty on the ORIGINAL, which all revisions share."),
		field.Enum("kind").NamedValues("Original", "ORIGINAL", "Cutout", "CUTOUT", "Headshot", "HEADSHOT", "Rendition", "RENDITION").Immutable(),
		field.String("name").Immutable().MaxLen(64),
		field.Int("width").NonNegative().Immutable(),
		field.Int("height").NonNegative().Immutable(),
		field.String("content_type").Immutable().MaxLen(100),
		field.Int64("bytes").NonNegative().Immutable(),
		field.String("sha256").Immutable().MaxLen(64),
		field.String("blob_key").Immutable().MaxLen(300).Comment("<account>/<submission>/<sha256>, never shared between submissions."),
	}
}

// Edges of Image.
func (Image) Edges() []ent.Edge {
	return []ent.Edge{
		edge.From("submission", Submission.Type).Ref("images").Field("submission_id").Unique().Required().Immutable(),
		edge.From("revision", Revision.Type).Ref("images").Field("revision_id").Unique().Immutable(),
	}
}

// Indexes of Image: one picture of a name per revision, so that a revision processed twice cannot hold two headshots.
func (Image) Indexes() []ent.Index {
	return []ent.Index{
		byOrder("created_at"), index.Fields("submission_id"),
		index.Fields("revision_id", "kind", "name").Unique(),
	}
}

// Annotations of Image.
func (Image) Annotations() []schema.Annotation { return table("images") }
