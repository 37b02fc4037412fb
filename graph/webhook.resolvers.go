package graph

import (
	"context"
	"encoding/json"
	"fmt"
	"headroom/ent"
	"headroom/graph/generated"
	"headroom/graph/model"
	"headroom/graph/page"
)

func (r *deliveryResolver) Event(ctx context.Context, obj *ent.Delivery) (*ent.Event, error) {
	panic(fmt.Errorf("not implemented: Event - event"))
}

func (r *deliveryResolver) Endpoint(ctx context.Context, obj *ent.Delivery) (*ent.WebhookEndpoint, error) {
	panic(fmt.Errorf("not implemented: Endpoint - endpoint"))
}

func (r *deliveryResolver) Attempts(ctx context.Context, obj *ent.Delivery) ([]*ent.DeliveryAttempt, error) {
	panic(fmt.Errorf("not implemented: Attempts - attempts"))
}

func (r *deliveryAttemptResolver) ResponseExcerpt(ctx context.Context, obj *ent.DeliveryAttempt) (*string, error) {
	panic(fmt.Errorf("not implemented: ResponseExcerpt - responseExcerpt"))
}

func (r *eventResolver) Body(ctx context.Context, obj *ent.Event) (json.RawMessage, error) {
	panic(fmt.Errorf("not implemented: Body - body"))
}

func (r *mutationResolver) CreateWebhookEndpoint(ctx context.Context, input model.CreateWebhookEndpointInput) (*model.CreateWebhookEndpointPayload, error) {
	panic(fmt.Errorf("not implemented: CreateWebhookEndpoint - createWebhookEndpoint"))
}

func (r *mutationResolver) UpdateWebhookEndpoint(ctx context.Context, input model.UpdateWebhookEndpointInput) (*model.UpdateWebhookEndpointPayload, error) {
	panic(fmt.Errorf("not implemented: UpdateWebhookEndpoint - updateWebhookEndpoint"))
}

func (r *mutationResolver) DeleteWebhookEndpoint(ctx context.Context, input model.DeleteWebhookEndpointInput) (*model.DeleteWebhookEndpointPayload, error) {
	panic(fmt.Errorf("not implemented: DeleteWebhookEndpoint - deleteWebhookEndpoint"))
}

func (r *mutationResolver) PauseWebhookEndpoint(ctx context.Context, input model.PauseWebhookEndpointInput) (*model.PauseWebhookEndpointPayload, error) {
	panic(fmt.Errorf("not implemented: PauseWebhookEndpoint - pauseWebhookEndpoint"))
}

func (r *mutationResolver) ResumeWebhookEndpoint(ctx context.Context, input model.ResumeWebhookEndpointInput) (*model.ResumeWebhookEndpointPayload, error) {
	panic(fmt.Errorf("not implemented: ResumeWebhookEndpoint - resumeWebhookEndpoint"))
}

func (r *mutationResolver) RotateWebhookSecret(ctx context.Context, input model.RotateWebhookSecretInput) (*model.RotateWebhookSecretPayload, error) {
	panic(fmt.Errorf("not implemented: RotateWebhookSecret - rotateWebhookSecret"))
}

func (r *mutationResolver) SendTestEvent(ctx context.Context, input model.SendTestEventInput) (*model.SendTestEventPayload, error) {
	panic(fmt.Errorf("not implemented: SendTestEvent - sendTestEvent"))
}

func (r *mutationResolver) ReplayDeliveries(ctx context.Context, input model.ReplayDeliveriesInput) (*model.ReplayDeliveriesPayload, error) {
	panic(fmt.Errorf("not implemented: ReplayDeliveries - replayDeliveries"))
}

func (r *queryResolver) WebhookEndpoint(ctx context.Context, id string) (*ent.WebhookEndpoint, error) {
	panic(fmt.Errorf("not implemented: WebhookEndpoint - webhookEndpoint"))
}

func (r *queryResolver) WebhookEndpoints(ctx context.Context, first *int, after *string, last *int, before *string, orderBy model.RowOrder) (*page.Connection[ent.WebhookEndpoint], error) {
	panic(fmt.Errorf("not implemented: WebhookEndpoints - webhookEndpoints"))
}

func (r *queryResolver) Delivery(ctx context.Context, id string) (*ent.Delivery, error) {
	panic(fmt.Errorf("not implemented: Delivery - delivery"))
}

func (r *queryResolver) Deliveries(ctx context.Context, first *int, after *string, last *int, before *string, filter *model.DeliveryFilter, orderBy model.RowOrder) (*page.Connection[ent.Delivery], error) {
	panic(fmt.Errorf("not implemented: Deliveries - deliveries"))
}

func (r *queryResolver) Events(ctx context.Context, first *int, after *string, last *int, before *string, topics []string, orderBy model.EventOrder) (*page.Connection[ent.Event], error) {
	panic(fmt.Errorf("not implemented: Events - events"))
}

func (r *webhookEndpointResolver) Studio(ctx context.Context, obj *ent.WebhookEndpoint) (*ent.Studio, error) {
	panic(fmt.Errorf("not implemented: Studio - studio"))
}

func (r *webhookEndpointResolver) Deliveries(ctx context.Context, obj *ent.WebhookEndpoint, first *int, after *string, last *int, before *string, orderBy model.RowOrder) (*page.Connection[ent.Delivery], error) {
	panic(fmt.Errorf("not implemented: Deliveries - deliveries"))
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
