// Package mcpgate puts a resource server in front of the official MCP SDK.
package mcpgate

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"time"

	"github.com/modelcontextprotocol/go-sdk/auth"
	"github.com/modelcontextprotocol/go-sdk/mcp"
	scopegate "github.com/scopegate/scopegate/bindings-go"
)

// Protect is scopegate.Protect for the handler of an SDK server: requests that pass carry the SDK's TokenInfo, so that a
// session answers its owner alone and Token works in tools. The scopes that the SDK sees are the effective ones.
//
// It panics for an option that names no path.
func Protect(gate scopegate.Gate, handler http.Handler, options ...scopegate.ProtectOption) http.Handler {
	// Only the SDK's own middleware can set TokenInfo. What it checks again, ours has judged.
	skew := &auth.RequireBearerTokenOptions{ClockSkew: mostLeeway + moment}
	believer := auth.RequireBearerToken(tokenInfo, skew)(handler)
	return scopegate.Protect(gate, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if scopegate.TokenFromContext(r.Context()) == nil {
			handler.ServeHTTP(w, r) // a public path
		} else {
			believer.ServeHTTP(w, r)
		}
	}), options...)
}

// moment: the SDK looks at the clock a little later than we do, and its refusal would name neither error nor scopes.
const moment = time.Second

// mostLeeway is the most that any configuration allows: a gate that comes later may have another leeway than the first.
const mostLeeway = 300 * time.Second

// Token is the token of the request that a handler of the SDK serves; nil without Protect in front, as over stdio.
func Token(extra *mcp.RequestExtra) *scopegate.AccessToken {
	if extra == nil || extra.TokenInfo == nil {
		return nil
	}
	token, _ := extra.TokenInfo.Extra[tokenName].(*scopegate.AccessToken)
	return token
}

// Where TokenInfo.Extra has our token, and the gate that verified it.
const (
	tokenName = "scopegate.token"
	gateName  = "scopegate.gate"
)

// judgeOf is the gate that judged the request, where the given one may have changed meanwhile.
func judgeOf(gate scopegate.Gate, extra *mcp.RequestExtra) *scopegate.ResourceServer {
	if stays, ok := gate.(*scopegate.ResourceServer); ok {
		return stays
	}
	if extra.TokenInfo != nil {
		if judge, ok := extra.TokenInfo.Extra[gateName].(*scopegate.ResourceServer); ok {
			return judge
		}
	}
	return gate.Current()
}

// FilterLists leaves out of each list what the caller may not use, and marks the list as private, so that no cache
// hands it to another caller. It is for mcp.Server.AddReceivingMiddleware.
//
// It hides names; it is Protect that refuses the calls. Where there is no HTTP request, as over stdio, lists stay whole;
// over HTTP without Protect in front nothing is listed.
func FilterLists(gate scopegate.Gate) mcp.Middleware {
	return func(next mcp.MethodHandler) mcp.MethodHandler {
		return func(ctx context.Context, method string, request mcp.Request) (mcp.Result, error) {
			result, err := next(ctx, method, request)
			if extra := request.GetExtra(); err == nil && extra != nil {
				result = filtered(judgeOf(gate, extra), Token(extra), result)
			}
			return result, err
		}
	}
}

// filtered leaves the result itself alone: a middleware within may keep it for other callers.
func filtered(gate *scopegate.ResourceServer, token *scopegate.AccessToken, result mcp.Result) mcp.Result {
	switch whole := result.(type) {
	case *mcp.ListToolsResult:
		list := *whole
		list.Tools = allowed(gate, token, scopegate.KindTool, list.Tools, func(t *mcp.Tool) string { return t.Name })
		list.CacheScope = private
		return &list
	case *mcp.ListPromptsResult:
		list := *whole
		list.Prompts = allowed(gate, token, scopegate.KindPrompt, list.Prompts,
			func(p *mcp.Prompt) string { return p.Name })
		list.CacheScope = private
		return &list
	case *mcp.ListResourcesResult:
		list := *whole
		list.Resources = allowed(gate, token, scopegate.KindResource, list.Resources,
			func(r *mcp.Resource) string { return r.URI })
		list.CacheScope = private
		return &list
	case *mcp.ListResourceTemplatesResult:
		list := *whole
		list.ResourceTemplates = allowed(gate, token, scopegate.KindResource, list.ResourceTemplates,
			func(r *mcp.ResourceTemplate) string { return r.URITemplate })
		list.CacheScope = private
		return &list
	}
	return result
}

const private = "private"

// allowed makes a new list, empty rather than nil, which would be null on the wire.
func allowed[Item any](
	gate *scopegate.ResourceServer, token *scopegate.AccessToken, kind scopegate.CallKind, items []Item,
	name func(Item) string,
) []Item {
	kept := []Item{}
	for _, item := range items {
		if token != nil && gate.Allowed(token, kind, name(item)) {
			kept = append(kept, item)
		}
	}
	return kept
}

// tokenInfo is the SDK's verifier: the token was verified by Protect before the SDK saw the request.
func tokenInfo(ctx context.Context, credential string, _ *http.Request) (*auth.TokenInfo, error) {
	token := scopegate.TokenFromContext(ctx)
	if token == nil {
		return nil, fmt.Errorf("%w: not verified", auth.ErrInvalidToken)
	}
	return &auth.TokenInfo{
		Scopes:     token.EffectiveScopes,
		Expiration: token.ExpiresAt,
		UserID:     owner(token, credential),
		Extra:      map[string]any{tokenName: token, gateName: scopegate.GateFromContext(ctx)},
	}, nil
}

// owner is whom a session belongs to. The SDK lets anybody use a session without one, so a token that names nobody is
// its own owner.
func owner(token *scopegate.AccessToken, credential string) string {
	if token.Principal != "" {
		return token.Principal
	}
	digest := sha256.Sum256([]byte(credential))
	return "anonymous:" + hex.EncodeToString(digest[:])
}
