package mcpgate_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/auth"
	"github.com/modelcontextprotocol/go-sdk/mcp"
	scopegate "github.com/scopegate/scopegate/bindings-go"
	mcpgate "github.com/scopegate/scopegate/bindings-go/mcp"
	"github.com/scopegate/scopegate/bindings-go/scopegatetest"
)

const resource = "https://mcp.test/mcp"

func TestTokenReachesTheToolThroughTheSDK(t *testing.T) {
	world := newWorld(t, scopegate.Config{Policy: policy()}, nil)
	session := world.connect(t, world.issuer.Authorization(weather("alice")))
	if text, err := call(t, session, "weather"); err != nil || text != "alice" {
		t.Errorf("found %q, %v", text, err)
	}
	info := world.seen
	if info == nil || info.UserID != world.issuer.Issuer()+" alice" || strings.Join(info.Scopes, " ") != "mcp mcp:tools:weather" {
		t.Errorf("TokenInfo %+v", info)
	}
	if info != nil && time.Until(info.Expiration) <= 0 {
		t.Errorf("expires %v", info.Expiration)
	}
}

func TestScopesThatAreImpliedReachTheSDK(t *testing.T) {
	world := newWorld(t, scopegate.Config{ScopeImplications: map[string][]string{"admin": {"mcp:tools:weather"}}}, nil)
	session := world.connect(t, world.issuer.Authorization(scopegatetest.Claims{"scope": "admin"}))
	if _, err := call(t, session, "weather"); err != nil {
		t.Fatal(err)
	}
	if scopes := strings.Join(world.seen.Scopes, " "); scopes != "admin mcp:tools:weather" {
		t.Errorf("found %q", scopes)
	}
}

func TestAnotherUserOnASessionIsRefused(t *testing.T) {
	world := newWorld(t, scopegate.Config{Policy: policy()}, nil)
	for name, claims := range map[string]struct{ owner, other scopegatetest.Claims }{
		"users": {weather("alice"), weather("mallory")},
		"clients without a user": {
			scopegatetest.Claims{"sub": "alice", "client_id": "one", "scope": "mcp mcp:tools:weather"},
			scopegatetest.Claims{"sub": "app", "client_id": "one", "scope": "mcp mcp:tools:weather"},
		},
	} {
		session := world.connect(t, world.issuer.Authorization(claims.owner))
		if _, err := call(t, session, "weather"); err != nil {
			t.Fatal(err)
		}
		world.authorization = world.issuer.Authorization(claims.other)
		if text, err := call(t, session, "weather"); err == nil {
			t.Errorf("%s: found %q", name, text)
		}
		if world.last.status != http.StatusForbidden {
			t.Errorf("%s: found %+v", name, world.last)
		}
	}
}

func TestSessionOfATokenThatNamesNobodyIsBoundToThatToken(t *testing.T) {
	server := scopegatetest.NewIssuer(resource).Server()
	issuer := scopegatetest.NewIssuer(resource)
	server.JWKS, server.TokenFormat = issuer.Server().JWKS, scopegate.FormatGeneric
	world := newWorld(t, scopegate.Config{AuthorizationServers: []scopegate.AuthorizationServer{server}}, nil)
	nobody := scopegatetest.Claims{"sub": nil, "client_id": nil, "scope": "mcp"}
	session := world.connect(t, issuer.Authorization(nobody))
	if _, err := call(t, session, "weather"); err != nil {
		t.Fatal(err)
	}
	world.authorization = issuer.Authorization(nobody)
	if _, err := call(t, session, "weather"); err == nil {
		t.Error("another token was let in")
	}
}

func TestTokenInsideTheLeewayPasses(t *testing.T) {
	world := newWorld(t, scopegate.Config{LeewaySeconds: scopegate.Seconds(120)}, nil)
	claims := weather("alice")
	claims["expires_in"] = -60
	if text, err := call(t, world.connect(t, world.issuer.Authorization(claims)), "weather"); err != nil || text != "alice" {
		t.Errorf("found %q, %v", text, err)
	}
}

func TestListsHoldWhatTheCallerMayUse(t *testing.T) {
	world := newWorld(t, scopegate.Config{Policy: policy()}, nil)
	session := world.connect(t, world.issuer.Authorization(weather("alice")))
	tools, err := session.ListTools(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(tools.Tools) != 1 || tools.Tools[0].Name != "weather" {
		t.Errorf("found %+v", tools.Tools)
	}
	if !strings.Contains(world.last.body, `"cacheScope":"private"`) {
		t.Errorf("found %s", world.last.body)
	}
	prompts, err := session.ListPrompts(t.Context(), nil)
	if err != nil || len(prompts.Prompts) != 1 || prompts.CacheScope != "private" {
		t.Errorf("found %+v, %v", prompts, err)
	}
	resources, err := session.ListResources(t.Context(), nil)
	if err != nil || len(resources.Resources) != 1 || resources.CacheScope != "private" {
		t.Errorf("found %+v, %v", resources, err)
	}
	templates, err := session.ListResourceTemplates(t.Context(), nil)
	if err != nil || len(templates.ResourceTemplates) != 1 || templates.CacheScope != "private" {
		t.Errorf("found %+v, %v", templates, err)
	}
	limited := world.connect(t, world.issuer.Authorization(scopegatetest.Claims{"scope": "mcp"}))
	if tools, err := limited.ListTools(t.Context(), nil); err != nil || len(tools.Tools) != 0 {
		t.Errorf("found %+v, %v", tools, err)
	}
	if !strings.Contains(world.last.body, `"tools":[]`) {
		t.Errorf("found %s", world.last.body)
	}
}

func TestListsAreEmptyOverHTTPWithoutProtectAndWholeWithoutHTTP(t *testing.T) {
	world := newWorld(t, scopegate.Config{Policy: policy()}, nil)
	open := httptest.NewServer(world.sdkHandler())
	t.Cleanup(open.Close)
	session := connect(t, &mcp.StreamableClientTransport{Endpoint: open.URL, DisableStandaloneSSE: true})
	if tools, err := session.ListTools(t.Context(), nil); err != nil || len(tools.Tools) != 0 {
		t.Errorf("found %+v, %v", tools, err)
	}
	near, far := mcp.NewInMemoryTransports()
	if _, err := world.server.Connect(t.Context(), far, nil); err != nil {
		t.Fatal(err)
	}
	if tools, err := connect(t, near).ListTools(t.Context(), nil); err != nil || len(tools.Tools) != 2 {
		t.Errorf("found %+v, %v", tools, err)
	}
}

func TestScopeThatIsShortDoesNotEndTheSession(t *testing.T) {
	world := newWorld(t, scopegate.Config{Policy: policy()}, nil)
	session := world.connect(t, world.issuer.Authorization(scopegatetest.Claims{"scope": "mcp"}))
	if _, err := call(t, session, "weather"); err == nil || !strings.Contains(err.Error(), "Required scope") {
		t.Errorf("found %v", err)
	}
	world.authorization = world.issuer.Authorization(scopegatetest.Claims{"scope": "mcp mcp:tools:weather"})
	if _, err := call(t, session, "weather"); err != nil {
		t.Errorf("after a step-up: %v", err)
	}
}

func TestPublicPathsReachTheHandlerWithoutAToken(t *testing.T) {
	_, gate := newPair(t, scopegate.Config{})
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if auth.TokenInfoFromContext(r.Context()) != nil {
			t.Error("found a token")
		}
		_, _ = io.WriteString(w, "open")
	})
	written := httptest.NewRecorder()
	protected := mcpgate.Protect(gate, handler, scopegate.WithPublic("/about"))
	protected.ServeHTTP(written, httptest.NewRequest(http.MethodGet, "/about", nil))
	if written.Code != http.StatusOK || written.Body.String() != "open" {
		t.Errorf("found %d %q", written.Code, written.Body)
	}
}

func TestRequestWithoutExtraHasNoToken(t *testing.T) {
	if mcpgate.Token(nil) != nil || mcpgate.Token(&mcp.RequestExtra{}) != nil {
		t.Error("found a token")
	}
	if mcpgate.Token(&mcp.RequestExtra{TokenInfo: &auth.TokenInfo{}}) != nil {
		t.Error("found a token")
	}
}

// A world is a server behind a gate, and what its client last met.
type world struct {
	issuer        *scopegatetest.Issuer
	gate          *scopegate.ResourceServer
	server        *mcp.Server
	url           string
	seen          *auth.TokenInfo
	authorization string
	change        func(*http.Request)
	last          exchange
}

type exchange struct {
	status int
	header http.Header
	body   string
}

// newWorld serves the tools weather and drop_all. The gate trusts world.issuer unless the configuration says otherwise.
func newWorld(t *testing.T, config scopegate.Config, options *mcp.StreamableHTTPOptions) *world {
	t.Helper()
	w := &world{}
	w.issuer, w.gate = newPair(t, config)
	w.server = mcp.NewServer(&mcp.Implementation{Name: "weather", Version: "1.0.0"}, nil)
	for _, name := range []string{"weather", "drop_all"} {
		mcp.AddTool(w.server, &mcp.Tool{Name: name}, w.tool)
	}
	w.server.AddPrompt(&mcp.Prompt{Name: "summarise"}, nil)
	w.server.AddResource(&mcp.Resource{URI: "file:///report", Name: "report"}, nil)
	w.server.AddResourceTemplate(&mcp.ResourceTemplate{URITemplate: "file:///{name}", Name: "file"}, nil)
	w.server.AddReceivingMiddleware(mcpgate.FilterLists(w.gate))
	handler := mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return w.server }, options)
	server := httptest.NewServer(mcpgate.Protect(w.gate, handler))
	t.Cleanup(server.Close)
	w.url = server.URL + "/mcp"
	return w
}

func (w *world) tool(_ context.Context, request *mcp.CallToolRequest, _ struct{}) (*mcp.CallToolResult, any, error) {
	w.seen = request.Extra.TokenInfo
	text := ""
	if token := mcpgate.Token(request.Extra); token != nil {
		text = token.Subject
	}
	return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: text}}}, nil, nil
}

func (w *world) sdkHandler() http.Handler {
	options := &mcp.StreamableHTTPOptions{JSONResponse: true}
	return mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return w.server }, options)
}

func (w *world) connect(t *testing.T, authorization string) *mcp.ClientSession {
	t.Helper()
	w.authorization = authorization
	return connect(t, &mcp.StreamableClientTransport{
		Endpoint: w.url, HTTPClient: &http.Client{Transport: w}, DisableStandaloneSSE: true, MaxRetries: -1,
	})
}

// RoundTrip sends the client's request with the authorization of this moment. A message also gets the change, and its
// answer is noted.
func (w *world) RoundTrip(request *http.Request) (*http.Response, error) {
	request = request.Clone(request.Context())
	if w.authorization != "" {
		request.Header.Set("Authorization", w.authorization)
	}
	if request.Method == http.MethodPost && w.change != nil {
		w.change(request)
	}
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil || request.Method != http.MethodPost {
		return response, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	w.last = exchange{response.StatusCode, response.Header, string(body)}
	response.Body = io.NopCloser(strings.NewReader(w.last.body))
	return response, err
}

func newPair(t *testing.T, config scopegate.Config) (*scopegatetest.Issuer, *scopegate.ResourceServer) {
	t.Helper()
	issuer := scopegatetest.NewIssuer(resource)
	config.Resource, config.Logger = resource, slog.New(slog.DiscardHandler)
	if config.AuthorizationServers == nil {
		config.AuthorizationServers = []scopegate.AuthorizationServer{issuer.Server()}
	}
	gate, err := scopegate.New(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(gate.Close)
	return issuer, gate
}

func connect(t *testing.T, transport mcp.Transport) *mcp.ClientSession {
	t.Helper()
	client := mcp.NewClient(&mcp.Implementation{Name: "client", Version: "1.0.0"}, nil)
	session, err := client.Connect(t.Context(), transport, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = session.Close() })
	return session
}

func call(t *testing.T, session *mcp.ClientSession, tool string) (string, error) {
	t.Helper()
	result, err := session.CallTool(t.Context(), &mcp.CallToolParams{Name: tool, Arguments: map[string]any{}})
	if err != nil {
		return "", err
	}
	if result.IsError || len(result.Content) != 1 {
		return "", errors.New("the tool failed")
	}
	text, _ := result.Content[0].(*mcp.TextContent)
	return text.Text, nil
}

func weather(subject string) scopegatetest.Claims {
	return scopegatetest.Claims{"sub": subject, "scope": "mcp mcp:tools:weather"}
}

func policy() *scopegate.Policy {
	return &scopegate.Policy{
		Default: scopegate.Need(),
		Tools:   map[string]scopegate.Rule{"weather": scopegate.Need("mcp:tools:weather"), "drop_*": scopegate.Deny},
	}
}

func asJSON(t *testing.T, value any) string {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func parse(t *testing.T, text []byte, into any) {
	t.Helper()
	if len(text) == 0 {
		return
	}
	if err := json.Unmarshal(text, into); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
}
