package graph

import (
	"context"
	"encoding/json"
	"headroom/ent"
	"headroom/ent/delivery"
	"headroom/ent/deliveryattempt"
	"headroom/ent/event"
	"headroom/ent/webhookendpoint"
	"headroom/graph/generated"
	"headroom/graph/model"
	"headroom/graph/page"
	"headroom/internal/headshot"
	"strings"
	"time"
)

func (r *deliveryResolver) Event(ctx context.Context, obj *ent.Delivery) (*ent.Event, error) {
	if row, err := obj.Edges.EventOrErr(); !ent.IsNotLoaded(err) {
		return row, err
	}
	return r.Client.Event.Get(ctx, obj.EventID)
}

func (r *deliveryResolver) Endpoint(ctx context.Context, obj *ent.Delivery) (*ent.WebhookEndpoint, error) {
	if row, err := obj.Edges.EndpointOrErr(); !ent.IsNotLoaded(err) {
		return row, err
	}
	return r.Query().WebhookEndpoint(ctx, obj.EndpointID)
}

func (r *deliveryResolver) Attempts(ctx context.Context, obj *ent.Delivery) ([]*ent.DeliveryAttempt, error) {
	if rows, err := obj.Edges.AttemptsOrErr(); err == nil {
		return rows, nil
	}
	return r.Client.DeliveryAttempt.Query().Where(deliveryattempt.DeliveryID(obj.ID)).Order(ent.Asc(deliveryattempt.FieldNumber)).All(ctx)
}

func (r *deliveryAttemptResolver) ResponseExcerpt(ctx context.Context, obj *ent.DeliveryAttempt) (*string, error) {
	if obj.ResponseExcerpt == nil {
		return nil, nil
	}
	text := strings.ToValidUTF8(string(obj.ResponseExcerpt), "\uFFFD")
	return &text, nil
}

func (r *eventResolver) Body(ctx context.Context, obj *ent.Event) (json.RawMessage, error) {
	if obj.Erased {
		return nil, nil
	}
	return obj.Body, nil
}

func (r *mutationResolver) CreateWebhookEndpoint(ctx context.Context, input model.CreateWebhookEndpointInput) (*model.CreateWebhookEndpointPayload, error) {
	row, secret, err := r.Service.CreateEndpoint(ctx, headshot.EndpointInput{
		URL: input.URL, Description: value(input.Description), Topics: input.Topics, StudioID: input.StudioID,
	})
	return &model.CreateWebhookEndpointPayload{WebhookEndpoint: row, Secret: secret}, err
}

func (r *mutationResolver) UpdateWebhookEndpoint(ctx context.Context, input model.UpdateWebhookEndpointInput) (*model.UpdateWebhookEndpointPayload, error) {
	row, err := r.Service.UpdateEndpoint(ctx, input.ID, headshot.EndpointPatch{
		URL: field(input.URL), Description: field(input.Description), Topics: many(input.Topics), StudioID: field(input.StudioID),
	}, input.Version)
	return &model.UpdateWebhookEndpointPayload{WebhookEndpoint: row}, err
}

func (r *mutationResolver) DeleteWebhookEndpoint(ctx context.Context, input model.DeleteWebhookEndpointInput) (*model.DeleteWebhookEndpointPayload, error) {
	return &model.DeleteWebhookEndpointPayload{ID: input.ID}, r.Service.DeleteEndpoint(ctx, input.ID)
}

func (r *mutationResolver) PauseWebhookEndpoint(ctx context.Context, input model.PauseWebhookEndpointInput) (*model.PauseWebhookEndpointPayload, error) {
	row, err := r.Service.PauseEndpoint(ctx, input.ID)
	return &model.PauseWebhookEndpointPayload{WebhookEndpoint: row}, err
}

func (r *mutationResolver) ResumeWebhookEndpoint(ctx context.Context, input model.ResumeWebhookEndpointInput) (*model.ResumeWebhookEndpointPayload, error) {
	row, err := r.Service.ResumeEndpoint(ctx, input.ID)
	return &model.ResumeWebhookEndpointPayload{WebhookEndpoint: row}, err
}

func (r *mutationResolver) RotateWebhookSecret(ctx context.Context, input model.RotateWebhookSecretInput) (*model.RotateWebhookSecretPayload, error) {
	row, secret, err := r.Service.RotateSecret(ctx, input.ID, input.Revoke)
	return &model.RotateWebhookSecretPayload{WebhookEndpoint: row, Secret: secret}, err
}

func (r *mutationResolver) SendTestEvent(ctx context.Context, input model.SendTestEventInput) (*model.SendTestEventPayload, error) {
	row, err := r.Service.SendTest(ctx, headshot.TestInput{EndpointID: input.ID, SubmissionID: value(input.SubmissionID), Payload: input.Payload})
	return &model.SendTestEventPayload{WebhookEndpoint: row}, err
}

func (r *mutationResolver) ReplayDeliveries(ctx context.Context, input model.ReplayDeliveriesInput) (*model.ReplayDeliveriesPayload, error) {
	rows, err := r.Service.ReplayDeliveries(ctx, input.Ids)
	return &model.ReplayDeliveriesPayload{Deliveries: rows}, err
}

func (r *queryResolver) WebhookEndpoint(ctx context.Context, id string) (*ent.WebhookEndpoint, error) {
	q := r.Client.WebhookEndpoint.Query().Where(webhookendpoint.ID(id))
	pickEndpoint(ctx, q, selection(ctx))
	return q.Only(ctx)
}

func (r *queryResolver) WebhookEndpoints(ctx context.Context, first *int, after *string, last *int, before *string, orderBy model.RowOrder) (*page.Connection[ent.WebhookEndpoint], error) {
	q := r.Client.WebhookEndpoint.Query()
	pickEndpoint(ctx, q, rowsOf(ctx, "WebhookEndpoint", selection(ctx)))
	in := request(ctx, "webhookEndpoints", args(first, after, last, before), nil,
		byRow(orderBy, func(e *ent.WebhookEndpoint) (time.Time, string) { return e.CreatedAt, e.ID }))
	return page.Load(ctx, r.cursors, q, in)
}

func (r *queryResolver) Delivery(ctx context.Context, id string) (*ent.Delivery, error) {
	q := r.Client.Delivery.Query().Where(delivery.ID(id))
	pickDelivery(ctx, q, selection(ctx))
	return q.Only(ctx)
}

func (r *queryResolver) Deliveries(ctx context.Context, first *int, after *string, last *int, before *string, filter *model.DeliveryFilter, orderBy model.RowOrder) (*page.Connection[ent.Delivery], error) {
	q := r.Client.Delivery.Query()
	filterDeliveries(q, filter)
	pickDelivery(ctx, q, rowsOf(ctx, "Delivery", selection(ctx)))
	return page.Load(ctx, r.cursors, q, request(ctx, "deliveries", args(first, after, last, before), filter, byRow(orderBy, deliveryKey)))
}

func (r *queryResolver) Events(ctx context.Context, first *int, after *string, last *int, before *string, topics []string, orderBy model.EventOrder) (*page.Connection[ent.Event], error) {
	if err := few("topics", len(topics)); err != nil {
		return nil, err
	}
	q := r.Client.Event.Query()
	if len(topics) > 0 {
		q.Where(event.TopicIn(topics...))
	}
	return page.Load(ctx, r.cursors, q, request(ctx, "events", args(first, after, last, before), topics, eventOrder(orderBy)))
}

func (r *webhookEndpointResolver) Studio(ctx context.Context, obj *ent.WebhookEndpoint) (*ent.Studio, error) {
	if obj.StudioID == nil {
		return nil, nil
	}
	if row, err := obj.Edges.StudioOrErr(); !ent.IsNotLoaded(err) {
		return row, err
	}
	return r.Client.Studio.Get(ctx, *obj.StudioID)
}

func (r *webhookEndpointResolver) Deliveries(ctx context.Context, obj *ent.WebhookEndpoint, first *int, after *string, last *int, before *string, orderBy model.RowOrder) (*page.Connection[ent.Delivery], error) {
	rows, err := obj.NamedDeliveries(loadKey(ctx))
	in := deliveriesOf(ctx, obj.ID, args(first, after, last, before), orderBy)
	return r.deliveries(ctx, rows, err, in, delivery.EndpointID(obj.ID))
}

func (r *Resolver) Delivery() generated.DeliveryResolver { return &deliveryResolver{r} }

func (r *Resolver) DeliveryAttempt() generated.DeliveryAttemptResolver {
	return &deliveryAttemptResolver{r}
}

func (r *Resolver) Event() generated.EventResolver { return &eventResolver{r} }

func (r *Resolver) WebhookEndpoint() generated.WebhookEndpointResolver {
	return &webhookEndpointResolver{r}
}

type (
	deliveryResolver        struct{ *Resolver }
	deliveryAttemptResolver struct{ *Resolver }
	eventResolver           struct{ *Resolver }
	webhookEndpointResolver struct{ *Resolver }
)
