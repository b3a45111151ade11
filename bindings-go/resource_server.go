//go:build cgo

// Package scopegate makes a server that speaks HTTP an OAuth 2.1 resource server for MCP. It validates access tokens,
// enforces scopes for each route and each tool, publishes the discovery document, and answers refusals with the bytes
// that MCP clients read.
//
// Every decision is made by libscopegate, through its C interface: this package needs cgo, and finds the library with
// pkg-config. The build tag scopegate_static links it statically.
//
// A gate is made once, by New or FromJSON, and guards handlers with Protect. Package scopegatetest has an issuer for
// unit tests, and module mcp beside this one goes between a gate and the official MCP SDK.
package scopegate

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"runtime"
	"sync"
	"time"
)

// A ResourceServer judges the requests for one resource. It never changes, and any number of goroutines may use it at
// once.
type ResourceServer struct {
	server   *server
	identity identity
	flights  flights
	log      refusalLog
	close    func()
}

// Format writes the name of the type, whatever the verb: what is inside changes while it is used.
func (*ResourceServer) Format(state fmt.State, _ rune) {
	_, _ = io.WriteString(state, "scopegate.ResourceServer")
}

// LogValue is the name of the type too.
func (*ResourceServer) LogValue() slog.Value { return slog.StringValue("scopegate.ResourceServer") }

// New makes a ResourceServer. It reads the files that the configuration names and does no other IO: no network, no
// thread.
//
// The error is a *ConfigError with every mistake.
func New(config Config) (*ResourceServer, error) {
	document, err := json.Marshal(config)
	if err != nil {
		return nil, &ConfigError{Errors: []Mistake{{Path: ".", Message: err.Error()}}}
	}
	return open(document, config.Logger)
}

// FromJSON makes a ResourceServer from the configuration as JSON, which is the same document in every language;
// everything else is as with New.
func FromJSON(document []byte) (*ResourceServer, error) {
	return open(document, nil)
}

func open(document []byte, logger *slog.Logger) (*ResourceServer, error) {
	opened, err := openServer(document)
	if err != nil {
		return nil, err
	}
	return newResourceServer(opened, logger).warned(), nil
}

// warned is g, once its log has what its configuration should be asked about.
func (g *ResourceServer) warned() *ResourceServer {
	for _, warning := range g.identity.warnings {
		g.log.target().Warn("scopegate: configuration: " + warning)
	}
	return g
}

func newResourceServer(opened *server, logger *slog.Logger) *ResourceServer {
	gate := &ResourceServer{server: opened, identity: opened.identity(), log: refusalLog{logger: logger}}
	forgotten := runtime.AddCleanup(gate, (*server).release, opened)
	gate.close = sync.OnceFunc(func() {
		forgotten.Stop()
		opened.release()
	})
	return gate
}

// Version is the version of the library that is loaded, such as "0.1.0".
func Version() string { return libraryVersion() }

// Close gives back what the gate holds outside Go's memory, once the calls that run have ended; a gate that is not
// closed gives it back when it is garbage. Requests that come after Close are refused as ReasonInternal.
func (g *ResourceServer) Close() {
	g.close()
}

// Authorize says what the token of a request allows, once everything about it was checked. Missing keys are fetched, at
// most once, which waits for HTTP.TimeoutSeconds at the longest. A configuration with a policy needs Body or Calls.
//
// The error is a *Rejected, or ctx.Err(), at once, when ctx ends first. Not checked: whether a token was revoked before
// it expires, and the Host field.
func (g *ResourceServer) Authorize(ctx context.Context, request Request) (*AccessToken, error) {
	found, err := g.decide(ctx, &request)
	if err != nil {
		return nil, err
	}
	return g.token(ctx, &request, found)
}

// Check is Authorize without waiting: when keys are missing, it starts to fetch them in the background and decides by
// those that are held. Where none of them would do, the request is refused as ReasonKeysUnavailable.
func (g *ResourceServer) Check(request Request) (*AccessToken, error) {
	found := g.ask(check, &request, nil, nil, "")
	if wanted := found.wanted; wanted != nil {
		g.server.startRefresh(wanted)
		found = g.ask(checkAfter, &request, nil, wanted, "")
		wanted.release()
	}
	return g.token(context.Background(), &request, found)
}

// Require checks a further need, such as the Scopes of one route, on a token that was verified for this request. Method
// and Body give the refusal its form; with Body or Calls the policy is judged too. The token's times are not checked
// again.
//
// The error is a *Rejected.
func (g *ResourceServer) Require(token *AccessToken, request Request) error {
	found := g.ask(require, &request, token.verified(), nil, "")
	if found.passed {
		return nil
	}
	return g.refused(context.Background(), found.answer)
}

// A CallKind is what a call names.
type CallKind int

const (
	// KindTool is the tool of tools/call.
	KindTool CallKind = 1
	// KindPrompt is the prompt of prompts/get.
	KindPrompt CallKind = 2
	// KindResource is the resource of resources/read.
	KindResource CallKind = 3
)

// Allowed is whether a token may use what is named: its scopes cover RequiredScopes and what the policy says of the
// name. It is for filtering lists; a call is decided by its whole request.
func (g *ResourceServer) Allowed(token *AccessToken, kind CallKind, name string) bool {
	defer runtime.KeepAlive(g)
	return g.server.allowed(token.verified(), kind, name)
}

// WellKnown answers a request for the protected resource metadata (RFC 9728 section 3), and a preflight for any path;
// nil when the request is the application's. After a fault of the library it is the refusal. It needs no token and does
// no IO. Protect asks it first.
func (g *ResourceServer) WellKnown(request Request) *Response {
	return g.document(wellKnown, &request)
}

// document answers what needs no token; nil when the request is the application's. After a fault it is the refusal.
func (g *ResourceServer) document(question question, request *Request) *Response {
	found := g.ask(question, request, nil, nil, "")
	if found.answer == nil {
		return found.document
	}
	_ = g.refused(context.Background(), found.answer)
	return found.answer.Response()
}

// WarmUp fetches the keys of every issuer of which no usable ones are held, and the authorization server's metadata where
// that is served. Calling it is optional: without it the first request of each issuer waits instead.
//
// The error is a *KeysError that names each issuer whose keys or metadata are missing, or ctx.Err(). The gate is usable either way.
func (g *ResourceServer) WarmUp(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	done := make(chan error, 1)
	go func() {
		defer runtime.KeepAlive(g)
		done <- g.server.warmUp()
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Stats has counters of decisions and fetches, and the state of each key source: a JSON object.
func (g *ResourceServer) Stats() (json.RawMessage, error) {
	defer runtime.KeepAlive(g)
	return g.server.stats()
}

// Health is whether tokens can be judged now.
type Health struct {
	// Status is "ok", "degraded" (some keys are old, or those of an issuer are missing) or "unavailable" (no issuer's
	// keys are held).
	Status string `json:"status"`
	// Report is everything that is known, a JSON object. It names hosts and errors: show it to operators alone.
	Report json.RawMessage `json:"-"`
}

// Health tells whether tokens can be judged now: what a readiness probe asks. It needs no network.
func (g *ResourceServer) Health() (Health, error) {
	defer runtime.KeepAlive(g)
	report, err := g.server.health()
	health := Health{Report: report}
	if err == nil {
		err = json.Unmarshal(report, &health)
	}
	return health, err
}

// MetadataURL is where clients find the protected resource metadata.
func (g *ResourceServer) MetadataURL() string { return g.identity.metadataURL }

// Resource is the resource identifier, as configured.
func (g *ResourceServer) Resource() string { return g.identity.resource }

// Hostname is the host of the resource in lower case, without port.
func (g *ResourceServer) Hostname() string { return g.identity.hostname }

// Origin is the scheme, host and port of the resource.
func (g *ResourceServer) Origin() string { return g.identity.origin }

// Path is the path of the resource.
func (g *ResourceServer) Path() string { return g.identity.path }

// Logger is where refusals are logged.
func (g *ResourceServer) Logger() *slog.Logger { return g.log.target() }

// Leeway is the clock difference that is allowed, for programs that look at expiry times themselves.
func (g *ResourceServer) Leeway() time.Duration { return g.identity.leeway }

// decide checks a request and waits for missing keys. The reply has a token, an answer, or the need of a body.
func (g *ResourceServer) decide(ctx context.Context, request *Request) (reply, error) {
	if err := ctx.Err(); err != nil {
		return reply{}, err
	}
	found := g.ask(check, request, nil, nil, "")
	if found.wanted == nil {
		return found, nil
	}
	defer found.wanted.release()
	if err := g.flights.wait(ctx, g.server, found.wanted); err != nil {
		return reply{}, err
	}
	return g.ask(checkAfter, request, nil, found.wanted, ""), nil
}

func (g *ResourceServer) token(ctx context.Context, request *Request, found reply) (*AccessToken, error) {
	if found.needsBody {
		found = g.ask(internalError, request, nil, nil, "expected the body, which decides: set Body or Calls")
	}
	if found.token != nil {
		return found.token, nil
	}
	return nil, g.refused(ctx, found.answer)
}

// refused logs a refusal.
func (g *ResourceServer) refused(ctx context.Context, answer *Rejected) error {
	g.log.write(ctx, answer)
	return answer
}

func (g *ResourceServer) ask(
	question question, request *Request, token *keptToken, wanted *keyRequest, detail string,
) reply {
	defer runtime.KeepAlive(g)
	return g.server.ask(question, request, token, wanted, detail)
}
