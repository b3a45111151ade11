//go:build cgo

package scopegate

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"slices"
)

// A FullCall is one call of a request whose token is good, as the library read it: of a body in which two parsers could
// find different things nobody is asked.
type FullCall struct {
	// Method is the JSON-RPC method; empty for a request that calls nothing, as GET and DELETE of the MCP transport.
	Method string
	// Name is the tool, the prompt or the URI of the resource; empty for methods that name nothing, or many things.
	Name string
	// Params are the members of params, empty where there are none. Numbers are json.Number. Do not decode them into a
	// struct with encoding/json, which takes a member in other letters for yours: the server behind may not.
	Params map[string]any
	// Token is the verified token.
	Token *AccessToken
}

// Format writes the name of the type, whatever the verb: arguments are the client's.
func (FullCall) Format(state fmt.State, _ rune) { _, _ = io.WriteString(state, "scopegate.FullCall") }

// LogValue is the name of the type too.
func (FullCall) LogValue() slog.Value { return slog.StringValue("scopegate.FullCall") }

// WithScopesOf has a function asked for the scopes that each call needs, beside those of the configuration and its
// policy: nil is none. It is for an MCP server, and has the body of every guarded request read.
//
// It is asked after the token proved good and the policy allowed the call, for each call of a batch, with the context of
// the request. An error or a panic of it refuses the request as ReasonInternal.
func WithScopesOf(scopesOf func(context.Context, FullCall) ([]string, error)) ProtectOption {
	return func(guard *guard) { guard.scopesOf = scopesOf }
}

// requireOfCalls checks the token for all that the function says of the calls in the body. The error is a *Rejected, or
// ctx.Err().
func (g *exchange) requireOfCalls(ctx context.Context, request *Request, token *AccessToken) error {
	// Where headers decided, the policy has not seen the body.
	if err := g.gate.Require(token, *request); err != nil {
		return err
	}
	found := g.gate.ask(callsOf, request, nil, nil, "")
	if found.answer != nil {
		return g.gate.refused(ctx, found.answer)
	}
	calls, err := readCalls(found.calls, token)
	if err != nil {
		return g.gate.internalError(ctx, request, err.Error())
	}
	needed, err := needOf(ctx, g.scopesOf, calls)
	if ended := ctx.Err(); ended != nil {
		return ended
	}
	if err != nil {
		return g.gate.internalError(ctx, request, err.Error())
	}
	if len(needed) == 0 {
		return nil
	}
	whole := *request
	whole.Scopes = append(slices.Clone(request.Scopes), needed...)
	return g.gate.Require(token, whole)
}

// readCalls reads what the library made of the body. A request that calls nothing is asked about too.
func readCalls(document []byte, token *AccessToken) ([]FullCall, error) {
	var calls []FullCall
	decoder := json.NewDecoder(bytes.NewReader(document))
	decoder.UseNumber()
	if err := decoder.Decode(&calls); err != nil {
		return nil, fmt.Errorf("the calls of the library could not be read: %T", err)
	}
	if len(calls) == 0 {
		calls = []FullCall{{}}
	}
	for i := range calls {
		calls[i].Token = token
		if calls[i].Params == nil {
			calls[i].Params = map[string]any{}
		}
	}
	return calls, nil
}

// needOf is what the calls need by the function, each scope once.
func needOf(ctx context.Context, scopesOf func(context.Context, FullCall) ([]string, error), calls []FullCall) (needed []string, err error) {
	// What went wrong is told without its text, which may hold arguments or claims.
	defer func() {
		if panicked := recover(); panicked != nil {
			err = fmt.Errorf("WithScopesOf: the function panicked with %T", panicked)
		}
	}()
	for _, call := range calls {
		scopes, err := scopesOf(ctx, call)
		if err != nil {
			return nil, fmt.Errorf("WithScopesOf: the function failed with %T", err)
		}
		for _, scope := range scopes {
			if !slices.Contains(needed, scope) {
				needed = append(needed, scope)
			}
		}
	}
	return needed, nil
}
