package web

import (
	"net/http"
	"net/url"
	"strings"
	"time"
)

const contactsDocument = `query Contacts($first: Int, $after: String, $last: Int, $before: String, $filter: ContactFilter) {
  contacts(first: $first, after: $after, last: $last, before: $before, filter: $filter) {
    totalCount pageInfo { nextCursor previousCursor }
    nodes { id firstName lastName email externalId createdAt }
  }
}`

type contact struct {
	person
	Phone, ExternalID *string
	CreatedAt         time.Time
	StudioSessions    struct{ Nodes []link }
	Submissions       struct{ Nodes []submission }
}

// link is a studio session: one capture link.
type link struct {
	ID, URL, State string
	CreatedAt      time.Time
	ExpiresAt      time.Time
	Studio         studio
	New, Over      bool
}

type contactList struct {
	Rows           []contact
	Total          int
	Search         string
	Next, Previous string
	Form           url.Values // what was typed into a form that was refused
	Open           bool       // the form is shown unfolded
}

func (wb *Web) contacts(w http.ResponseWriter, r *http.Request) error {
	return wb.showContacts(w, r, http.StatusOK, "", nil)
}

func (wb *Web) showContacts(w http.ResponseWriter, r *http.Request, code int, alert string, form url.Values) error {
	list := contactList{Search: strings.TrimSpace(r.URL.Query().Get("q")), Form: form, Open: form != nil}
	vars := paging(r.URL.Query())
	if list.Search != "" {
		vars["filter"] = map[string]any{"q": list.Search}
	}
	var data struct {
		Contacts struct {
			TotalCount int
			PageInfo   pageInfo
			Nodes      []contact
		}
	}
	err := wb.query(r.Context(), contactsDocument, vars, &data)
	if words, refused, ok := ofForm(err); ok && list.Search != "" { // such as two letters only
		alert, code, err = words, refused, nil
	}
	if err != nil {
		return err
	}
	list.Rows, list.Total = data.Contacts.Nodes, data.Contacts.TotalCount
	list.Open = list.Open || (list.Total == 0 && list.Search == "")
	list.Next, list.Previous = data.Contacts.PageInfo.links(r.URL)
	return wb.render(w, r, code, "contacts", view{Title: "Contacts", Nav: "contacts", Alert: alert, Page: list})
}

const createContactDocument = `mutation CreateContact($input: CreateContactInput!) { createContact(input: $input) { contact { id } } }`

func (wb *Web) createContact(w http.ResponseWriter, r *http.Request) error {
	input := map[string]any{}
	for _, name := range []string{"firstName", "lastName", "email", "phone", "externalId"} {
		value := strings.TrimSpace(r.PostForm.Get(name))
		if value != "" || name == "firstName" || name == "email" {
			input[name] = value
		}
	}
	var data struct {
		CreateContact struct{ Contact struct{ ID string } }
	}
	err := wb.query(r.Context(), createContactDocument, map[string]any{"input": input}, &data)
	if words, code, ok := ofForm(err); ok {
		return wb.showContacts(w, r, code, words, r.PostForm)
	}
	if err != nil {
		return err
	}
	http.Redirect(w, r, "/contacts/"+data.CreateContact.Contact.ID+"?done=contact", http.StatusSeeOther)
	return nil
}

const contactDocument = `query Contact($id: ID!) {
  contact(id: $id) {
    id firstName lastName email phone externalId createdAt
    studioSessions(first: 20) { nodes { id url state createdAt expiresAt studio { id name } } }
    submissions(first: 12) { nodes { id state processingState complete createdAt images { kind name url width height contentType } } }
  }
  studios(first: 100) { nodes { id name } }
}`

type contactView struct {
	contact
	Studios []studio
}

func (wb *Web) contactPage(w http.ResponseWriter, r *http.Request) error {
	return wb.showContact(w, r, http.StatusOK, "")
}

func (wb *Web) showContact(w http.ResponseWriter, r *http.Request, code int, alert string) error {
	var data struct {
		Contact *contact
		Studios struct{ Nodes []studio }
	}
	if err := wb.query(r.Context(), contactDocument, map[string]any{"id": r.PathValue("id")}, &data); err != nil {
		return err
	}
	if data.Contact == nil {
		return missing()
	}
	now, made := wb.Now(), r.URL.Query().Get("link")
	for i := range data.Contact.StudioSessions.Nodes {
		l := &data.Contact.StudioSessions.Nodes[i]
		if l.State != "REVOKED" && !l.ExpiresAt.After(now) {
			l.State = "EXPIRED"
		}
		l.Over = l.State == "REVOKED" || l.State == "EXPIRED"
		l.New = l.ID == made
	}
	v := view{Title: data.Contact.Name(), Nav: "contacts", Alert: alert, Page: contactView{*data.Contact, data.Studios.Nodes}}
	return wb.render(w, r, code, "contact", v)
}

const (
	createLinkDocument = `mutation CreateLink($input: CreateStudioSessionInput!) { createStudioSession(input: $input) { studioSession { id } } }`
	revokeLinkDocument = `mutation RevokeLink($input: RevokeStudioSessionInput!) { revokeStudioSession(input: $input) { studioSession { id } } }`
)

func (wb *Web) createLink(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	input := map[string]any{"contactId": id, "studioId": r.PostForm.Get("studio")}
	if seconds, ok := number(r.PostForm.Get("expires")); ok {
		input["expiresIn"] = seconds
	}
	var data struct {
		CreateStudioSession struct{ StudioSession struct{ ID string } }
	}
	err := wb.query(r.Context(), createLinkDocument, map[string]any{"input": input}, &data)
	if words, code, ok := ofForm(err); ok {
		return wb.showContact(w, r, code, words)
	}
	if err != nil {
		return err
	}
	at := "/contacts/" + url.PathEscape(id) + "?done=link&link=" + data.CreateStudioSession.StudioSession.ID
	http.Redirect(w, r, at, http.StatusSeeOther)
	return nil
}

func (wb *Web) revokeLink(w http.ResponseWriter, r *http.Request) error {
	input := map[string]any{"id": r.PathValue("session")}
	if err := wb.query(r.Context(), revokeLinkDocument, map[string]any{"input": input}, nil); err != nil {
		return err
	}
	http.Redirect(w, r, "/contacts/"+url.PathEscape(r.PathValue("id"))+"?done=link-ended", http.StatusSeeOther)
	return nil
}
