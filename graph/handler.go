package graph

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/executor"
	"github.com/99designs/gqlgen/graphql/handler/lru"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/validator/rules"

	"headroom/ent"
	"headroom/graph/generated"
	"headroom/graph/page"
	"headroom/internal/events"
	"headroom/internal/headshot"
	"headroom/internal/requestid"
	"headroom/internal/tenancy"
)

// Hub tells of changes of submissions (events.Hub).
type Hub interface {
	Subscribe(ctx context.Context, accountID string, f events.Filter) <-chan events.Change
}

// Config is what the API stands on. Fields without a default are required.
type Config struct {
	Client  *ent.Client // with tenancy enforced
	Service *headshot.Service
	Hub     Hub
	// CursorKey authenticates cursors; the same on every node.
	CursorKey []byte
	// Authenticate finds the actor of an Authorization header. It is asked when a WebSocket opens, and
	// again every RecheckEvery while a WebSocket or an event stream lives.
	Authenticate func(ctx context.Context, authorization string) (tenancy.Actor, error)
	// Recheck does the latter for streams that stand on a cookie: it says whether the actor of ctx may
	// still be here. Optional.
	Recheck func(ctx context.Context) error
	// Origin is that of the server's own pages (https://host) when a proxy in front of it changes the
	// host. A WebSocket of any other page needs credentials of its own; a cookie is not enough. Optional.
	Origin string
	// RecheckEvery defaults to 2.5 s, so that with the two seconds that keys are cached a revoked one
	// is shut out within five.
	RecheckEvery time.Duration
	// PingEvery is how often silent streams are kept alive; default 15 s.
	PingEvery time.Duration
	// InitTimeout is how long a WebSocket may wait with its connection_init; default 5 s.
	InitTimeout time.Duration
	// NoIntrospection hides the schema from everybody; anonymous and capture callers never see it.
	NoIntrospection bool
	// MaxBody bounds requests without files, in bytes; default 1 MiB.
	MaxBody int64
	// Limits default to DefaultLimits.
	Limits Limits
	// Now is the clock by which deadlines of sockets are set; default the wall's.
	Now func() time.Time
	Log *slog.Logger
}

// Handler serves the API at one path: POST, multipart POST, Server-Sent Events, and
// graphql-transport-ws. Credentials are in the request's context (tenancy.With).
type Handler struct {
	cfg Config
	// open answers callers who may know the schema, shut those who may not: it makes no suggestions.
	// own answers the program itself, without limits.
	open, shut, own *executor.Executor
}

// New makes a Handler.
func New(cfg Config) (*Handler, error) {
	cfg.RecheckEvery = cmp.Or(cfg.RecheckEvery, 2500*time.Millisecond)
	cfg.PingEvery = cmp.Or(cfg.PingEvery, 15*time.Second)
	cfg.InitTimeout = cmp.Or(cfg.InitTimeout, 5*time.Second)
	cfg.MaxBody = cmp.Or(cfg.MaxBody, 1<<20)
	cfg.Limits = cmp.Or(cfg.Limits, DefaultLimits())
	if cfg.Now == nil {
		cfg.Now = wall
	}
	if cfg.Client == nil || cfg.Service == nil || cfg.Hub == nil || cfg.Authenticate == nil || cfg.Log == nil || len(cfg.CursorKey) < 16 {
		return nil, errors.New("graph: Client, Service, Hub, CursorKey (16 bytes or more), Authenticate and Log are required")
	}
	schema := generated.NewExecutableSchema(generated.Config{
		Resolvers:  &Resolver{Config: cfg, cursors: page.NewCursors(cfg.CursorKey)},
		Directives: generated.DirectiveRoot{Needs: needs},
	})
	h := &Handler{cfg: cfg}
	limits := guard{Limits: cfg.Limits, introspection: !cfg.NoIntrospection}
	h.open, h.shut, h.own = h.executor(schema), h.executor(schema), h.executor(schema)
	h.open.Use(limits)
	h.shut.Use(limits)
	h.shut.SetDisableSuggestion(true)
	h.shut.SetDefaultRulesFn(quietRules)
	return h, nil
}

func (h *Handler) executor(schema graphql.ExecutableSchema) *executor.Executor {
	e := executor.New(schema)
	e.SetQueryCache(lru.New[*ast.QueryDocument](1000))
	e.SetErrorPresenter(h.present)
	e.AroundResponses(withLinks)
	e.SetRecoverFunc(func(ctx context.Context, p any) error {
		h.cfg.Log.ErrorContext(ctx, "panic in a resolver", "request_id", requestid.From(ctx), "panic", p, "stack", string(debug.Stack()))
		return fmt.Errorf("panic: %v", p)
	})
	return e
}

// quietRules are the rules of validation without the suggestions that SetDisableSuggestion leaves in.
func quietRules() *rules.Rules {
	r := rules.NewDefaultRules()
	r.ReplaceRule(rules.KnownArgumentNamesRule.Name, rules.KnownArgumentNamesRuleWithoutSuggestions.RuleFunc)
	r.ReplaceRule(rules.KnownTypeNamesRule.Name, rules.KnownTypeNamesRuleWithoutSuggestions.RuleFunc)
	r.ReplaceRule(rules.ValuesOfCorrectTypeRule.Name, rules.ValuesOfCorrectTypeRuleWithoutSuggestions.RuleFunc)
	return r
}

// door is the executor for the actor of ctx.
func (h *Handler) door(ctx context.Context) *executor.Executor {
	if a, ok := tenancy.From(ctx); ok && a.Kind != tenancy.Capture && !h.cfg.NoIntrospection {
		return h.open
	}
	return h.shut
}

// ServeHTTP picks the transport.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r = r.WithContext(graphql.StartOperationTrace(r.Context()))
	switch {
	case isUpgrade(r):
		h.serveWebSocket(w, r)
	case r.Method != http.MethodPost:
		w.Header().Set("Allow", http.MethodPost)
		h.refuse(w, r, http.StatusMethodNotAllowed, headshot.BadUserInput, "send a POST")
	case !h.admit(w, r): // answered
	case isMultipart(r):
		h.serveMultipart(w, r)
	case wantsEvents(r):
		h.serveEvents(w, r)
	default:
		h.servePost(w, r)
	}
}

// Request is an operation run within the program.
type Request struct {
	Document      string // one operation; parsed and checked once
	OperationName string
	Variables     map[string]any // uploads as graphql.Upload
}

// Response is its outcome. Data is nil when the operation did not run.
type Response struct {
	Data   json.RawMessage
	Errors gqlerror.List
}

// Exec runs a query or mutation as the actor of ctx, with the permissions, validation and errors of
// the API but without its limits.
func (h *Handler) Exec(ctx context.Context, in Request) Response {
	ctx = graphql.StartOperationTrace(ctx)
	out := h.run(ctx, h.own, &graphql.RawParams{Query: in.Document, OperationName: in.OperationName, Variables: in.Variables})
	return Response{Data: out.Data, Errors: out.Errors}
}

// run does one query or mutation. A response without Data is a request error: nothing was run.
func (h *Handler) run(ctx context.Context, e *executor.Executor, p *graphql.RawParams) *graphql.Response {
	oc, errs := e.CreateOperationContext(ctx, p)
	if errs != nil {
		return e.DispatchError(graphql.WithOperationContext(ctx, oc), errs)
	}
	if oc.Operation.Operation == ast.Subscription {
		err := refusal(headshot.BadUserInput, "use graphql-transport-ws or Server-Sent Events for a subscription")
		return e.DispatchError(graphql.WithOperationContext(ctx, oc), gqlerror.List{err})
	}
	next, ctx := e.DispatchOperation(ctx, oc)
	out := next(ctx)
	if out == nil { // the request ended before it began
		out = &graphql.Response{Errors: gqlerror.List{refusal(headshot.Unavailable, "the request ended")}}
	}
	if out.Data == nil {
		out.Data = json.RawMessage("null")
	}
	return out
}

// encode writes a response without copying its data once more.
func encode(out *graphql.Response) []byte {
	var b bytes.Buffer
	b.Grow(len(out.Data) + 256)
	comma := "{"
	part := func(name string, raw []byte) {
		b.WriteString(comma + `"` + name + `":`)
		b.Write(raw)
		comma = ","
	}
	if len(out.Errors) > 0 {
		part("errors", mustJSON(out.Errors))
	}
	if out.Data != nil {
		part("data", out.Data)
	}
	if len(out.Extensions) > 0 {
		part("extensions", mustJSON(out.Extensions))
	}
	if comma == "{" {
		b.WriteString("{")
	}
	b.WriteString("}")
	return b.Bytes()
}

func mustJSON(v any) []byte {
	raw, err := json.Marshal(v)
	if err != nil { // errors and extensions are this package's own plain values
		panic(fmt.Sprintf("graph: encode: %v", err))
	}
	return raw
}
