package mcpgate_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	scopegate "github.com/scopegate/scopegate/bindings-go"
	mcpgate "github.com/scopegate/scopegate/bindings-go/mcp"
	"github.com/scopegate/scopegate/bindings-go/scopegatetest"
)

// declaring is a server with a tool for each of these names, which declares what stands beside it.
func declaring(tools map[string]any) *mcp.Server {
	server := mcp.NewServer(&mcp.Implementation{Name: "declaring", Version: "1.0.0"}, nil)
	for name, scopes := range tools {
		tool := &mcp.Tool{Name: name}
		if scopes != nil {
			tool.Meta = mcp.Meta{mcpgate.MetaScopes: scopes}
		}
		mcp.AddTool(server, tool, func(context.Context, *mcp.CallToolRequest, struct{}) (*mcp.CallToolResult, any, error) {
			return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: name}}}, nil, nil
		})
	}
	return server
}

// logging is a gate whose log can be read.
func logging(t *testing.T, written *bytes.Buffer, config scopegate.Config) *scopegate.ResourceServer {
	t.Helper()
	config.Resource = resource
	config.AuthorizationServers = []scopegate.AuthorizationServer{scopegatetest.NewIssuer(resource).Server()}
	config.Logger = slog.New(slog.NewTextHandler(written, nil))
	gate, err := scopegate.New(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(gate.Close)
	return gate
}

func TestToolNeedsWhatThePolicySaysAndWhatStandsBesideIt(t *testing.T) {
	issuer, configured := newPair(t, scopegate.Config{Policy: &scopegate.Policy{
		Default: scopegate.Need(), Tools: map[string]scopegate.Rule{"weather": scopegate.Need("weather")},
	}})
	server := declaring(map[string]any{"weather": []string{"beside"}, "erase": []string{"admin"}, "drop": "deny", "free": nil})
	gate, err := mcpgate.Declared(t.Context(), configured, server)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(gate.Close)
	server.AddReceivingMiddleware(mcpgate.FilterLists(gate))
	handler := mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return server }, nil)
	listener := httptest.NewServer(mcpgate.Protect(gate, handler))
	t.Cleanup(listener.Close)
	for scope, expected := range map[string][]string{
		"weather beside": {"free", "weather"},
		"weather":        {"free"},
		"beside":         {"free"},
		"admin":          {"erase", "free"},
	} {
		world := &world{url: listener.URL + "/mcp"}
		session := world.connect(t, issuer.Authorization(scopegatetest.Claims{"sub": "alice", "scope": scope}))
		var ran, listed []string
		for _, tool := range []string{"drop", "erase", "free", "weather"} {
			if text, err := call(t, session, tool); err == nil {
				ran = append(ran, text)
			}
		}
		for tool, err := range session.Tools(t.Context(), nil) {
			if err != nil {
				t.Fatal(err)
			}
			listed = append(listed, tool.Name)
		}
		if !slices.Equal(ran, expected) || !slices.Equal(listed, expected) {
			t.Errorf("%s: %v ran, %v listed", scope, ran, listed)
		}
	}
}

func TestPromptsAndResourcesDeclareToo(t *testing.T) {
	issuer, configured := newPair(t, scopegate.Config{})
	server := declaring(nil)
	meta := mcp.Meta{mcpgate.MetaScopes: []string{"secret"}}
	server.AddPrompt(&mcp.Prompt{Name: "greet", Meta: meta}, nil)
	server.AddResource(&mcp.Resource{Name: "plans", URI: "file:///plans", Meta: meta}, nil)
	server.AddResourceTemplate(&mcp.ResourceTemplate{Name: "note", URITemplate: "note:///{name}"}, nil)
	gate, err := mcpgate.Declared(t.Context(), configured, server)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(gate.Close)
	for scope, expected := range map[string]bool{"secret": true, "other": false} {
		authorization := issuer.Authorization(scopegatetest.Claims{"scope": scope})
		token, err := gate.Authorize(t.Context(), scopegate.Request{Authorization: []string{authorization}, Body: []byte{}})
		if err != nil {
			t.Fatal(err)
		}
		for name, kind := range map[string]scopegate.CallKind{"greet": scopegate.KindPrompt, "file:///plans": scopegate.KindResource} {
			if found := gate.Allowed(token, kind, name); found != expected {
				t.Errorf("%s: %s: %v", scope, name, found)
			}
		}
	}
}

func TestWhatThePolicyForgotIsToldAndKeepsAStrictServerFromStarting(t *testing.T) {
	var written bytes.Buffer
	gate := logging(t, &written, scopegate.Config{
		Policy: &scopegate.Policy{
			Default: scopegate.Need("use"),
			Tools:   map[string]scopegate.Rule{"wether": scopegate.Need("weather"), "drop_*": scopegate.Deny},
			Prompts: map[string]scopegate.Rule{"greet": scopegate.Need()},
		},
	})
	server := declaring(map[string]any{"weather": nil, "erase": []string{"admin"}})
	expected := []string{
		"policy.prompts.greet: matches no prompt that is offered",
		"policy.tools.drop_*: matches no tool that is offered",
		"policy.tools.wether: matches no tool that is offered",
		"tools.weather: has no rule, so by default it needs use",
	}
	var mistakes *scopegate.ConfigError
	if _, err := mcpgate.Declared(t.Context(), gate, server, mcpgate.Strict()); !errors.As(err, &mistakes) {
		t.Fatalf("found %v", err)
	}
	var told []string
	for _, mistake := range mistakes.Errors {
		told = append(told, mistake.Path+": "+mistake.Message)
	}
	slices.Sort(told)
	if !slices.Equal(told, expected) || written.Len() > 0 {
		t.Errorf("found %q, %s", told, written.String())
	}
	if _, err := mcpgate.Declared(t.Context(), gate, server); err != nil {
		t.Fatal(err)
	}
	for _, line := range expected {
		if !strings.Contains(written.String(), line) {
			t.Errorf("%s: not in %s", line, written.String())
		}
	}
	_, fitting := newPair(t, scopegate.Config{Policy: &scopegate.Policy{
		Default: scopegate.Deny, Tools: map[string]scopegate.Rule{"weather": scopegate.Need()},
	}})
	if _, err := mcpgate.Declared(t.Context(), fitting, server, mcpgate.Strict()); err != nil {
		t.Error(err)
	}
}

func TestGateStaysWhereNothingIsDeclared(t *testing.T) {
	var written bytes.Buffer
	gate := logging(t, &written, scopegate.Config{})
	for _, server := range []*mcp.Server{declaring(nil), declaring(map[string]any{"weather": nil})} {
		if found, err := mcpgate.Declared(t.Context(), gate, server); err != nil || found != gate || written.Len() > 0 {
			t.Errorf("found another gate, %v, %s", err, written.String())
		}
	}
}

func TestScopesThatAreNoneAreMistakesWithTheirPath(t *testing.T) {
	_, gate := newPair(t, scopegate.Config{})
	for _, scopes := range []any{[]string{"not a scope"}, "admin", 7, []any{7}, []string{"offline_access"}, map[string]any{}} {
		_, err := mcpgate.Declared(t.Context(), gate, declaring(map[string]any{"erase": scopes}))
		var mistakes *scopegate.ConfigError
		if !errors.As(err, &mistakes) || !strings.HasPrefix(mistakes.Errors[0].Path, "tools.erase") {
			t.Errorf("%v: found %v", scopes, err)
		}
	}
}

func TestListsFollowTheGateThatJudgedTheRequest(t *testing.T) {
	issuer, open := newPair(t, scopegate.Config{})
	closed, err := scopegate.New(scopegate.Config{
		Resource: resource, AuthorizationServers: []scopegate.AuthorizationServer{issuer.Server()},
		Policy: &scopegate.Policy{Default: scopegate.Need(), Tools: map[string]scopegate.Rule{"erase": scopegate.Deny}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(closed.Close)
	now := open
	current := scopegate.GateFunc(func() *scopegate.ResourceServer { return now })
	server := declaring(map[string]any{"erase": nil, "free": nil})
	server.AddReceivingMiddleware(mcpgate.FilterLists(current))
	handler := mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return server }, nil)
	listener := httptest.NewServer(mcpgate.Protect(current, handler))
	t.Cleanup(listener.Close)
	world := &world{url: listener.URL + "/mcp"}
	session := world.connect(t, issuer.Authorization(scopegatetest.Claims{"sub": "alice"}))
	for gate, expected := range map[*scopegate.ResourceServer]int{open: 2, closed: 1} {
		now = gate
		if tools, err := session.ListTools(t.Context(), nil); err != nil || len(tools.Tools) != expected {
			t.Errorf("found %+v, %v", tools, err)
		}
	}
}
