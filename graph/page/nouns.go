package page

import "headroom/ent"

// The connections of the API and their edges, by the names of the SDL.
type (
	APIKeyConnection          = Connection[ent.APIKey]
	APIKeyEdge                = Edge[ent.APIKey]
	AuditEntryConnection      = Connection[ent.AuditEntry]
	AuditEntryEdge            = Edge[ent.AuditEntry]
	ContactConnection         = Connection[ent.Contact]
	ContactEdge               = Edge[ent.Contact]
	DeliveryConnection        = Connection[ent.Delivery]
	DeliveryEdge              = Edge[ent.Delivery]
	EventConnection           = Connection[ent.Event]
	EventEdge                 = Edge[ent.Event]
	ListConnection            = Connection[ent.List]
	ListEdge                  = Edge[ent.List]
	RevisionConnection        = Connection[ent.Revision]
	RevisionEdge              = Edge[ent.Revision]
	StudioConnection          = Connection[ent.Studio]
	StudioEdge                = Edge[ent.Studio]
	StudioSessionConnection   = Connection[ent.StudioSession]
	StudioSessionEdge         = Edge[ent.StudioSession]
	SubmissionConnection      = Connection[ent.Submission]
	SubmissionEdge            = Edge[ent.Submission]
	WebhookEndpointConnection = Connection[ent.WebhookEndpoint]
	WebhookEndpointEdge       = Edge[ent.WebhookEndpoint]
)
