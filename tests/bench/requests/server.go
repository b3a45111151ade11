// Command requests is a net/http server with one JSON route and one MCP tool, bare or behind a gate. The keys are fetched
// from the authorization server.
//
// Usage: requests GATE PORT ISSUER, where GATE is bare, scopegate, or golang-jwt: the official SDK's own gate around
// golang-jwt and keyfunc.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/MicahParks/keyfunc/v3"
	"github.com/golang-jwt/jwt/v5"
	"github.com/modelcontextprotocol/go-sdk/auth"
	"github.com/modelcontextprotocol/go-sdk/mcp"
	scopegate "github.com/scopegate/scopegate/bindings-go"
	mcpgate "github.com/scopegate/scopegate/bindings-go/mcp"
)

const (
	resource     = "https://mcp.bench.test/mcp"
	weatherScope = "mcp:tools:weather"
)

func main() {
	gate, port, issuer := os.Args[1], os.Args[2], os.Args[3]
	slog.SetDefault(slog.New(slog.DiscardHandler))
	handler, misses := application(), func() uint64 { return 0 }
	switch gate {
	case "bare":
	case "scopegate":
		handler, misses = behindScopegate(handler, issuer)
	case "golang-jwt":
		handler = behindSDK(handler, issuer)
	default:
		log.Fatalf("no gate %q", gate)
	}
	mux := http.NewServeMux()
	mux.Handle("/", handler)
	mux.HandleFunc("GET /stats", func(w http.ResponseWriter, _ *http.Request) {
		write(w, map[string]uint64{"served": served.Load(), "misses": misses()})
	})
	log.Fatal(http.ListenAndServe("127.0.0.1:"+port, mux))
}

// served are the requests that came through.
var served atomic.Uint64

type place struct {
	City string `json:"city"`
}

func weather(_ context.Context, _ *mcp.CallToolRequest, in place) (*mcp.CallToolResult, any, error) {
	served.Add(1)
	return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: "Sunny in " + in.City}}}, nil, nil
}

func application() http.Handler {
	server := mcp.NewServer(&mcp.Implementation{Name: "Bench", Version: "1.0.0"}, nil)
	mcp.AddTool(server, &mcp.Tool{Name: "weather"}, weather)
	// The protection goes by the Host, which is that of the resource.
	options := &mcp.StreamableHTTPOptions{Stateless: true, JSONResponse: true, DisableLocalhostProtection: true}
	mux := http.NewServeMux()
	mux.Handle("/mcp", mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return server }, options))
	mux.HandleFunc("GET /json", func(w http.ResponseWriter, _ *http.Request) {
		served.Add(1)
		write(w, map[string]any{"city": "Oslo", "sky": "sunny", "degrees": 21})
	})
	return mux
}

func write(w http.ResponseWriter, document any) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(document); err != nil {
		log.Print(err)
	}
}

// behindScopegate gives the number of tokens that were not held as well.
func behindScopegate(next http.Handler, issuer string) (http.Handler, func() uint64) {
	gate, err := scopegate.New(scopegate.Config{
		Resource: resource,
		AuthorizationServers: []scopegate.AuthorizationServer{
			{Issuer: issuer, JWKSURI: issuer + "/jwks", TokenFormat: "rfc9068"},
		},
		Policy: &scopegate.Policy{
			Default: scopegate.Need(),
			Tools:   map[string]scopegate.Rule{"weather": scopegate.Need(weatherScope)},
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	return mcpgate.Protect(gate, next), func() uint64 {
		var stats struct {
			TokenCache struct{ Misses uint64 } `json:"token_cache"`
		}
		text, err := gate.Stats()
		if err == nil {
			err = json.Unmarshal(text, &stats)
		}
		if err != nil {
			log.Fatal(err)
		}
		return stats.TokenCache.Misses
	}
}

type claims struct {
	jwt.RegisteredClaims
	ClientID string `json:"client_id"`
	Scope    string `json:"scope"`
}

func behindSDK(next http.Handler, issuer string) http.Handler {
	keys, err := keyfunc.NewDefault([]string{issuer + "/jwks"})
	if err != nil {
		log.Fatal(err)
	}
	parser := jwt.NewParser(
		jwt.WithValidMethods([]string{"RS256"}), jwt.WithIssuer(issuer), jwt.WithAudience(resource),
		jwt.WithExpirationRequired(), jwt.WithLeeway(30*time.Second),
	)
	verify := func(_ context.Context, token string, _ *http.Request) (*auth.TokenInfo, error) {
		var found claims
		if _, err := parser.ParseWithClaims(token, &found, keys.Keyfunc); err != nil {
			return nil, fmt.Errorf("%w: %w", auth.ErrInvalidToken, err)
		}
		scopes := strings.Fields(found.Scope)
		return &auth.TokenInfo{Scopes: scopes, Expiration: found.ExpiresAt.Time, UserID: found.Subject}, nil
	}
	return auth.RequireBearerToken(verify, &auth.RequireBearerTokenOptions{Scopes: []string{weatherScope}})(next)
}
