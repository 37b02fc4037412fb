package web

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"headroom/internal/auth"
	"headroom/internal/tenancy"
)

type apiKey struct {
	ID, Name, Hint                   string
	Scopes                           []string
	LastUsedAt, ExpiresAt, RevokedAt *time.Time
	CreatedAt                        time.Time
}

type endpoint struct {
	ID, URL, Description, State string
	Topics                      []string
	StateReason                 *string
	FailingSince, LastSuccessAt *time.Time
	Studio                      *studio
}

type delivery struct {
	ID, State                  string
	AttemptCount               int
	NextAttemptAt, DeliveredAt *time.Time
	LastStatus                 *int
	LastError                  *string
	CreatedAt                  time.Time
	Endpoint                   endpoint
	Event                      struct {
		ID, Topic    string
		SubmissionID *string
	}
	Attempts []struct {
		Number, DurationMs     int
		StartedAt              time.Time
		Status                 *int
		ErrorClass             string
		Error, ResponseExcerpt *string
	}
}

// secret is one that is shown once, on the page that answers its making.
type secret struct{ What, Value, Hint string }

type developerView struct {
	Keys       []apiKey
	Endpoints  []endpoint
	Deliveries []delivery
	Studios    []studio
	Scopes     []string
	Topics     []string
	Secret     *secret
	Form       url.Values // what was typed into a form that was refused
	Admin      bool       // may see and make keys
	Only       string     // the endpoint whose deliveries are shown; empty for all
}

// Typed gives back what was typed into a refused form.
func (d developerView) Typed(name string) string { return d.Form.Get(name) }

// Ticked says whether a box of a refused form was ticked.
func (d developerView) Ticked(name, value string) bool {
	return slices.Contains(d.Form[name], value)
}

// topics of the contract; a test holds them to those of the event log. A test event is sent by its
// own button, so it is not among them.
func topics() []string {
	return []string{
		"SUBMISSION_COMPLETE", "SUBMISSION_CREATED", "SUBMISSION_ACCEPTED", "SUBMISSION_REJECTED", "SUBMISSION_RETAKE_REQUESTED",
		"SUBMISSION_FAILED", "CONTACT_CREATED", "CONTACT_UPDATED", "CONTACT_ERASED", "SESSION_OPENED", "SESSION_EXPIRED", "ENDPOINT_DISABLED",
	}
}

const developersDocument = `query Developers($keys: Boolean!, $filter: DeliveryFilter) {
  apiKeys(first: 50) @include(if: $keys) { nodes { id name hint scopes lastUsedAt expiresAt revokedAt createdAt } }
  webhookEndpoints(first: 50) { nodes { id url description topics state stateReason failingSince lastSuccessAt studio { id name } } }
  deliveries(first: 20, filter: $filter) {
    nodes {
      id state attemptCount nextAttemptAt deliveredAt lastStatus lastError createdAt
      endpoint { id url } event { id topic submissionId }
      attempts { number startedAt durationMs status errorClass error responseExcerpt }
    }
  }
  studios(first: 100) { nodes { id name } }
}`

func (wb *Web) developers(w http.ResponseWriter, r *http.Request) error {
	return wb.showDevelopers(w, r, http.StatusOK, "", developerView{})
}

// showDevelopers adds the lists to page, which may hold a new secret or a refused form.
func (wb *Web) showDevelopers(w http.ResponseWriter, r *http.Request, code int, alert string, page developerView) error {
	actor, _ := tenancy.From(r.Context())
	page.Admin, page.Scopes, page.Topics = actor.Can("admin"), auth.Scopes(), topics()
	vars := map[string]any{"keys": page.Admin}
	if page.Only = r.URL.Query().Get("endpoint"); page.Only != "" {
		vars["filter"] = map[string]any{"endpointId": page.Only}
	}
	var data struct {
		APIKeys          struct{ Nodes []apiKey }
		WebhookEndpoints struct{ Nodes []endpoint }
		Deliveries       struct{ Nodes []delivery }
		Studios          struct{ Nodes []studio }
	}
	if err := wb.query(r.Context(), developersDocument, vars, &data); err != nil {
		return err
	}
	page.Keys, page.Endpoints = data.APIKeys.Nodes, data.WebhookEndpoints.Nodes
	page.Deliveries, page.Studios = data.Deliveries.Nodes, data.Studios.Nodes
	return wb.render(w, r, code, "developers", view{Title: "Developers", Nav: "developers", Alert: alert, Page: page})
}

// refuse shows the forms again when err is theirs.
func (wb *Web) refuse(w http.ResponseWriter, r *http.Request, err error) error {
	words, code, ok := ofForm(err)
	if !ok {
		return err
	}
	return wb.showDevelopers(w, r, code, words, developerView{Form: r.PostForm})
}

const (
	createKeyDocument = `mutation CreateKey($input: CreateApiKeyInput!) { createApiKey(input: $input) { apiKey { name } secret } }`
	revokeKeyDocument = `mutation RevokeKey($input: RevokeApiKeyInput!) { revokeApiKey(input: $input) { apiKey { id } } }`
)

func (wb *Web) createKey(w http.ResponseWriter, r *http.Request) error {
	input := map[string]any{"name": strings.TrimSpace(r.PostForm.Get("name")), "scopes": listOf(r.PostForm["scope"])}
	if days, ok := number(r.PostForm.Get("days")); ok && days > 0 {
		input["expiresAt"] = wb.Now().AddDate(0, 0, days).UTC().Format(time.RFC3339)
	}
	var data struct {
		CreateAPIKey struct {
			APIKey apiKey
			Secret string
		}
	}
	if err := wb.query(r.Context(), createKeyDocument, map[string]any{"input": input}, &data); err != nil {
		return wb.refuse(w, r, err)
	}
	made := secret{"API key “" + data.CreateAPIKey.APIKey.Name + "”", data.CreateAPIKey.Secret, "Send it as “Authorization: Bearer …”."}
	return wb.showDevelopers(w, r, http.StatusOK, "", developerView{Secret: &made})
}

func (wb *Web) revokeKey(w http.ResponseWriter, r *http.Request) error {
	input := map[string]any{"id": r.PathValue("id")}
	if err := wb.query(r.Context(), revokeKeyDocument, map[string]any{"input": input}, nil); err != nil {
		return wb.refuse(w, r, err)
	}
	return toDevelopers(w, r, "key-revoked")
}

const (
	createEndpointDocument = `mutation CreateEndpoint($input: CreateWebhookEndpointInput!) {
  createWebhookEndpoint(input: $input) { webhookEndpoint { url } secret }
}`
	rotateDocument = `mutation Rotate($input: RotateWebhookSecretInput!) { rotateWebhookSecret(input: $input) { webhookEndpoint { url } secret } }`
	pauseDocument  = `mutation Pause($input: PauseWebhookEndpointInput!) { pauseWebhookEndpoint(input: $input) { webhookEndpoint { id } } }`
	resumeDocument = `mutation Resume($input: ResumeWebhookEndpointInput!) { resumeWebhookEndpoint(input: $input) { webhookEndpoint { id } } }`
	testDocument   = `mutation Test($input: SendTestEventInput!) { sendTestEvent(input: $input) { webhookEndpoint { id } } }`
	deleteDocument = `mutation Delete($input: DeleteWebhookEndpointInput!) { deleteWebhookEndpoint(input: $input) { id } }`
	replayDocument = `mutation Replay($input: ReplayDeliveriesInput!) { replayDeliveries(input: $input) { deliveries { id } } }`
)

const secretHint = "Your receiver checks deliveries with it."

func (wb *Web) createEndpoint(w http.ResponseWriter, r *http.Request) error {
	input := map[string]any{"url": strings.TrimSpace(r.PostForm.Get("url")), "topics": listOf(r.PostForm["topic"])}
	if s := strings.TrimSpace(r.PostForm.Get("description")); s != "" {
		input["description"] = s
	}
	if id := r.PostForm.Get("studio"); id != "" {
		input["studioId"] = id
	}
	var data struct {
		CreateWebhookEndpoint struct {
			WebhookEndpoint endpoint
			Secret          string
		}
	}
	if err := wb.query(r.Context(), createEndpointDocument, map[string]any{"input": input}, &data); err != nil {
		return wb.refuse(w, r, err)
	}
	made := secret{"Signing secret of " + data.CreateWebhookEndpoint.WebhookEndpoint.URL, data.CreateWebhookEndpoint.Secret, secretHint}
	return wb.showDevelopers(w, r, http.StatusOK, "", developerView{Secret: &made})
}

// changeEndpoint does what an endpoint's buttons say.
func (wb *Web) changeEndpoint(w http.ResponseWriter, r *http.Request) error {
	verb := r.PathValue("verb")
	if verb == "rotate" {
		return wb.rotate(w, r)
	}
	document, ok := map[string]string{"pause": pauseDocument, "resume": resumeDocument, "test": testDocument, "delete": deleteDocument}[verb]
	if !ok {
		return missing()
	}
	input := map[string]any{"id": r.PathValue("id")}
	if err := wb.query(r.Context(), document, map[string]any{"input": input}, nil); err != nil {
		return wb.refuse(w, r, err)
	}
	return toDevelopers(w, r, verb)
}

func (wb *Web) rotate(w http.ResponseWriter, r *http.Request) error {
	input := map[string]any{"id": r.PathValue("id"), "revoke": r.PostForm.Get("revoke") != ""}
	var data struct {
		RotateWebhookSecret struct {
			WebhookEndpoint endpoint
			Secret          string
		}
	}
	if err := wb.query(r.Context(), rotateDocument, map[string]any{"input": input}, &data); err != nil {
		return wb.refuse(w, r, err)
	}
	made := secret{"New signing secret of " + data.RotateWebhookSecret.WebhookEndpoint.URL, data.RotateWebhookSecret.Secret, secretHint}
	return wb.showDevelopers(w, r, http.StatusOK, "", developerView{Secret: &made})
}

func (wb *Web) replay(w http.ResponseWriter, r *http.Request) error {
	input := map[string]any{"ids": []string{r.PathValue("id")}}
	if err := wb.query(r.Context(), replayDocument, map[string]any{"input": input}, nil); err != nil {
		return wb.refuse(w, r, err)
	}
	return toDevelopers(w, r, "replay")
}

func toDevelopers(w http.ResponseWriter, r *http.Request, done string) error {
	http.Redirect(w, r, "/account/developers?done="+done, http.StatusSeeOther) //nolint:gosec // a path of our own
	return nil
}

// listOf makes an absent choice an empty list, which GraphQL tells from null.
func listOf(values []string) []string {
	if values == nil {
		return []string{}
	}
	return values
}
