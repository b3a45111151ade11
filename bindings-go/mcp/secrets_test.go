package mcpgate_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	scopegate "github.com/scopegate/scopegate/bindings-go"
	mcpgate "github.com/scopegate/scopegate/bindings-go/mcp"
	"github.com/scopegate/scopegate/bindings-go/scopegatetest"
)

// What left this module, in each form of text that it has, for tests/secrets to search (T55).
func TestNothingOfATokenLeavesTheModule(t *testing.T) {
	var kept bytes.Buffer
	everything := &slog.HandlerOptions{AddSource: true, Level: slog.LevelDebug}
	logger := slog.New(slog.NewJSONHandler(&kept, everything))
	forms := func(value any) {
		fmt.Fprintf(&kept, "%v %+v %#v %x\n", value, value, value, value)
		logger.Debug("a value", "value", value)
	}
	issuer := scopegatetest.NewIssuer(resource)
	configured, err := scopegate.New(scopegate.Config{
		Resource: resource, AuthorizationServers: []scopegate.AuthorizationServer{issuer.Server()}, Logger: logger,
	})
	if err != nil {
		t.Fatal(err)
	}
	server := declaring(map[string]any{"weather": []string{"weather"}})
	gate, err := mcpgate.Declared(t.Context(), configured, server)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(gate.Close)
	server.AddReceivingMiddleware(mcpgate.FilterLists(gate), func(next mcp.MethodHandler) mcp.MethodHandler {
		return func(ctx context.Context, method string, request mcp.Request) (mcp.Result, error) {
			forms(mcpgate.Token(request.GetExtra()))
			return next(ctx, method, request)
		}
	})
	handler := mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return server }, nil)
	fails := errors.New("canary-of-the-function")
	protected := mcpgate.Protect(gate, handler, scopegate.WithScopesOf(
		func(_ context.Context, call scopegate.FullCall) ([]string, error) {
			forms(call)
			if call.Params["canary"] != nil {
				return nil, fails
			}
			return nil, nil
		}))
	listener := httptest.NewServer(protected)
	t.Cleanup(listener.Close)
	statuses := map[int]bool{}
	var tokens []string
	for _, claims := range []scopegatetest.Claims{{"scope": "weather"}, {"scope": "canary-scope"}, {"expires_in": -3600}} {
		claims["sub"], claims["client_id"], claims["marked"] = "canary-subject", "canary-client", "canary-claim"
		authorization := issuer.Authorization(claims)
		tokens = append(tokens, authorization)
		for _, params := range []string{`{"name":"weather","arguments":{}}`, `{"name":"weather","canary":"canary-argument"}`} {
			body := strings.NewReader(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":` + params + `}`)
			request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, listener.URL+"/mcp", body)
			if err != nil {
				t.Fatal(err)
			}
			request.Header.Set("Authorization", authorization)
			request.Header.Set("Content-Type", "application/json")
			request.Header.Set("Accept", "application/json, text/event-stream")
			response, err := http.DefaultTransport.RoundTrip(request)
			if err != nil {
				t.Fatal(err)
			}
			statuses[response.StatusCode] = true
			fmt.Fprintln(&kept, response.StatusCode, response.Header)
			response.Body.Close()
		}
	}
	for _, status := range []int{401, 403, 500} {
		if !statuses[status] {
			t.Errorf("no answer had status %d: %v", status, statuses)
		}
	}
	forms(gate)
	folder := os.Getenv("SCOPEGATE_TRACES")
	if folder == "" {
		folder = filepath.Join("..", "..", "target", "traces")
	}
	for file, text := range map[string]string{"go-mcp.txt": kept.String(), "go-mcp.tokens": strings.Join(tokens, "\n")} {
		err := os.MkdirAll(folder, 0o755)
		if err := errors.Join(err, os.WriteFile(filepath.Join(folder, file), []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	if strings.Contains(kept.String(), "canary") {
		t.Errorf("found %s", kept.String())
	}
}
