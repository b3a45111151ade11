//go:build cgo

package scopegate

import (
	"context"
	"net/http"
)

// A Gate gives the resource server that judges a request. A *ResourceServer gives itself.
type Gate interface {
	Current() *ResourceServer
}

// Current is the resource server itself.
func (g *ResourceServer) Current() *ResourceServer { return g }

// A GateFunc gives the resource server that is current: how a configuration is changed while the program runs. It is
// called once for each request, which that one judges from begin to end, and by any number of goroutines at once. A
// resource server that was replaced need not be closed: requests may still hold it.
type GateFunc func() *ResourceServer

// Current calls the function.
func (f GateFunc) Current() *ResourceServer { return f() }

// Protect is ResourceServer.Protect for a gate that may change. A request for which it gives nil panics, so nothing
// passes.
func Protect(gate Gate, next http.Handler, options ...ProtectOption) http.Handler {
	guard := &guard{source: gate, next: next, public: map[string]bool{}}
	for _, option := range options {
		option(guard)
	}
	return guard
}

type gateKey struct{}

// GateFromContext is the resource server that judged a request which passed Protect, or nil: ask that one for whatever
// else the request needs.
func GateFromContext(ctx context.Context) *ResourceServer {
	gate, _ := ctx.Value(gateKey{}).(*ResourceServer)
	return gate
}
