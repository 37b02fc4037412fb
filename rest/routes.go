package rest

import "net/http"

// route is one line of the API: a method and a path, and the document that answers it.
type route struct {
	method, path string
	operation    string // its name in operations/*.graphql
	status       int    // of success
	form         bool   // the body is multipart/form-data instead of JSON
}

// routes is the whole API. How a request becomes the document's variables follows from the variables
// the document declares, see binding; how its answer becomes the body, see document.
func routes() []route {
	const (
		ok, created, none = http.StatusOK, http.StatusCreated, http.StatusNoContent
		get, post, del    = http.MethodGet, http.MethodPost, http.MethodDelete
		patch, put        = http.MethodPatch, http.MethodPut
	)
	return []route{
		{get, "/api/v2/contacts", "contacts", ok, false},
		{post, "/api/v2/contacts", "createContact", created, false},
		{get, "/api/v2/contacts/{id}", "contact", ok, false},
		{patch, "/api/v2/contacts/{id}", "updateContact", ok, false},
		{put, "/api/v2/contacts/{id}", "updateContact", ok, false},

		{get, "/api/v2/lists", "lists", ok, false},
		{post, "/api/v2/lists", "createList", created, false},
		{get, "/api/v2/lists/{id}", "list", ok, false},
		{patch, "/api/v2/lists/{id}", "updateList", ok, false},
		{put, "/api/v2/lists/{id}", "updateList", ok, false},
		{del, "/api/v2/lists/{id}", "deleteList", none, false},

		{get, "/api/v2/studios", "studios", ok, false},
		{post, "/api/v2/studios", "createStudio", created, false},
		{get, "/api/v2/studios/{id}", "studio", ok, false},
		{patch, "/api/v2/studios/{id}", "updateStudio", ok, false},
		{put, "/api/v2/studios/{id}", "updateStudio", ok, false},

		{get, "/api/v2/studio_sessions", "studioSessions", ok, false},
		{post, "/api/v2/studio_sessions", "createStudioSession", created, false},
		{get, "/api/v2/studio_sessions/{id}", "studioSession", ok, false},
		{post, "/api/v2/studio_sessions/{id}/revoke", "revokeStudioSession", ok, false},

		{get, "/api/v2/submissions", "submissions", ok, false},
		{post, "/api/v2/submissions", "submitPhoto", created, true},
		{get, "/api/v2/submissions/{id}", "submission", ok, false},
		{post, "/api/v2/submissions/{id}/accept", "acceptSubmission", ok, false},
		{post, "/api/v2/submissions/{id}/reject", "rejectSubmission", ok, false},
		{post, "/api/v2/submissions/{id}/request_retake", "requestRetake", ok, false},
		{post, "/api/v2/submissions/{id}/reprocess", "reprocessSubmission", ok, false},
		{get, "/api/v2/images/{id}", "image", http.StatusFound, false},

		{get, "/api/v2/webhook_endpoints", "webhookEndpoints", ok, false},
		{post, "/api/v2/webhook_endpoints", "createWebhookEndpoint", created, false},
		{get, "/api/v2/webhook_endpoints/{id}", "webhookEndpoint", ok, false},
		{patch, "/api/v2/webhook_endpoints/{id}", "updateWebhookEndpoint", ok, false},
		{put, "/api/v2/webhook_endpoints/{id}", "updateWebhookEndpoint", ok, false},
		{del, "/api/v2/webhook_endpoints/{id}", "deleteWebhookEndpoint", none, false},
		{post, "/api/v2/webhook_endpoints/{id}/rotate_secret", "rotateWebhookSecret", ok, false},
		{post, "/api/v2/webhook_endpoints/{id}/test", "sendTestEvent", ok, false},
		{post, "/api/v2/webhook_endpoints/{id}/pause", "pauseWebhookEndpoint", ok, false},
		{post, "/api/v2/webhook_endpoints/{id}/resume", "resumeWebhookEndpoint", ok, false},

		{get, "/api/v2/deliveries", "deliveries", ok, false},
		{get, "/api/v2/deliveries/{id}", "delivery", ok, false},
		{post, "/api/v2/deliveries/{id}/replay", "replayDelivery", ok, false},
	}
}
