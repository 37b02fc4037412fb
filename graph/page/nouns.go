package page

import "headroom/ent"

// The connections of the API and their edges, by the names of the SDL.

// APIKeyConnection is a page of API keys.
type APIKeyConnection = Connection[ent.APIKey]

// APIKeyEdge is a row of a page of API keys.
type APIKeyEdge = Edge[ent.APIKey]

// AuditEntryConnection is a page of audit entries.
type AuditEntryConnection = Connection[ent.AuditEntry]

// AuditEntryEdge is a row of a page of audit entries.
type AuditEntryEdge = Edge[ent.AuditEntry]

// ContactConnection is a page of contacts.
type ContactConnection = Connection[ent.Contact]

// ContactEdge is a row of a page of contacts.
type ContactEdge = Edge[ent.Contact]

// DeliveryConnection is a page of deliveries.
type DeliveryConnection = Connection[ent.Delivery]

// DeliveryEdge is a row of a page of deliveries.
type DeliveryEdge = Edge[ent.Delivery]

// EventConnection is a page of events.
type EventConnection = Connection[ent.Event]

// EventEdge is a row of a page of events.
type EventEdge = Edge[ent.Event]

// ListConnection is a page of lists.
type ListConnection = Connection[ent.List]

// ListEdge is a row of a page of lists.
type ListEdge = Edge[ent.List]

// RevisionConnection is a page of revisions.
type RevisionConnection = Connection[ent.Revision]

// RevisionEdge is a row of a page of revisions.
type RevisionEdge = Edge[ent.Revision]

// StudioConnection is a page of studios.
type StudioConnection = Connection[ent.Studio]

// StudioEdge is a row of a page of studios.
type StudioEdge = Edge[ent.Studio]

// StudioSessionConnection is a page of studio sessions.
type StudioSessionConnection = Connection[ent.StudioSession]

// StudioSessionEdge is a row of a page of studio sessions.
type StudioSessionEdge = Edge[ent.StudioSession]

// SubmissionConnection is a page of submissions.
type SubmissionConnection = Connection[ent.Submission]

// SubmissionEdge is a row of a page of submissions.
type SubmissionEdge = Edge[ent.Submission]

// WebhookEndpointConnection is a page of webhook endpoints.
type WebhookEndpointConnection = Connection[ent.WebhookEndpoint]

// WebhookEndpointEdge is a row of a page of webhook endpoints.
type WebhookEndpointEdge = Edge[ent.WebhookEndpoint]
