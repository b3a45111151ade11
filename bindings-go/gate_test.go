package scopegate_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	scopegate "github.com/scopegate/scopegate/bindings-go"
	"github.com/scopegate/scopegate/bindings-go/scopegatetest"
)

const resource = "https://mcp.test/mcp"

var discard = slog.New(slog.DiscardHandler)

func TestGoodTokenSaysWhoseItIs(t *testing.T) {
	issuer, gate := newPair(t, scopegate.Config{})
	token, err := gate.Authorize(t.Context(), authorized(issuer, scopegatetest.Claims{"sub": "alice", "scope": "a b"}))
	if err != nil {
		t.Fatal(err)
	}
	if token.Subject != "alice" || strings.Join(token.Scopes, " ") != "a b" || token.Resource != resource {
		t.Errorf("found %+v", token)
	}
	if token.Principal != issuer.Issuer()+" alice" {
		t.Errorf("principal %q", token.Principal)
	}
	var claims struct{ JTI string }
	if err := json.Unmarshal(token.Claims, &claims); err != nil || claims.JTI != token.TokenID {
		t.Errorf("claims %s: %v", token.Claims, err)
	}
}

func TestExpiredTokenIsRefused(t *testing.T) {
	issuer, gate := newPair(t, scopegate.Config{})
	_, err := gate.Authorize(t.Context(), authorized(issuer, scopegatetest.Claims{"expires_in": -time.Hour}))
	refusal := rejected(t, err)
	if refusal.Reason != scopegate.ReasonExpired || refusal.Code != 5005 || refusal.Unavailable() || refusal.Detail == "" {
		t.Errorf("found %+v", refusal)
	}
}

func TestTokenOfAnotherKeyIsRefused(t *testing.T) {
	issuer, gate := newPair(t, scopegate.Config{})
	issuer.Rotate()
	_, err := gate.Authorize(t.Context(), authorized(issuer, nil))
	if refusal := rejected(t, err); refusal.Reason != scopegate.ReasonUnknownKey {
		t.Errorf("found %+v", refusal)
	}
}

func TestMistakesOfAConfigurationAreAllNamed(t *testing.T) {
	_, err := scopegate.New(scopegate.Config{Resource: "not a URL", LeewaySeconds: scopegate.Seconds(301)})
	var refused *scopegate.ConfigError
	if !errors.As(err, &refused) {
		t.Fatalf("found %v", err)
	}
	paths := []string{}
	for _, mistake := range refused.Errors {
		paths = append(paths, mistake.Path)
	}
	for _, path := range []string{"resource", "authorization_servers", "leeway_seconds"} {
		if !strings.Contains(strings.Join(paths, " "), path) || !strings.Contains(err.Error(), path+": ") {
			t.Errorf("%s: not named in %v", path, err)
		}
	}
}

func TestPolicyWithoutDefaultIsAMistake(t *testing.T) {
	_, err := scopegate.New(scopegate.Config{
		Resource: resource, AuthorizationServers: scopegate.Issuers("https://as.test"), Policy: &scopegate.Policy{},
	})
	if err == nil || !strings.Contains(err.Error(), "policy") {
		t.Errorf("found %v", err)
	}
}

func TestNilRuleIsAMistakeAndNoOpening(t *testing.T) {
	_, err := scopegate.New(scopegate.Config{
		Resource: resource, AuthorizationServers: scopegate.Issuers("https://as.test"),
		Policy: &scopegate.Policy{Default: scopegate.Deny, Tools: map[string]scopegate.Rule{"weather": nil}},
	})
	if err == nil || !strings.Contains(err.Error(), "policy.tools") {
		t.Errorf("found %v", err)
	}
}

func TestZeroValuesGiveTheDefaultsAndZeroCanBeSet(t *testing.T) {
	_, gate := newPair(t, scopegate.Config{})
	if gate.Leeway() != 30*time.Second {
		t.Errorf("leeway %v", gate.Leeway())
	}
	issuer, strict := newPair(t, scopegate.Config{
		LeewaySeconds: scopegate.Seconds(0), Keys: scopegate.Keys{MaxStaleSeconds: scopegate.Seconds(0)},
	})
	if strict.Leeway() != 0 {
		t.Errorf("leeway %v", strict.Leeway())
	}
	_, err := strict.Authorize(t.Context(), authorized(issuer, scopegatetest.Claims{"expires_in": -5}))
	if refusal := rejected(t, err); refusal.Reason != scopegate.ReasonExpired {
		t.Errorf("found %+v", refusal)
	}
}

func TestPresetsAreThoseOfTheSchema(t *testing.T) {
	var schema struct {
		Defs struct{ PresetName struct{ Enum []string } } `json:"$defs"`
	}
	text, err := os.ReadFile("../core/config.schema.json")
	if err != nil || json.Unmarshal(text, &schema) != nil {
		t.Fatal("expected the schema of the configuration: ", err)
	}
	source, err := os.ReadFile("config.go")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, match := range regexp.MustCompile(`(?m)^\tPreset\w+ +Preset += "(\w+)"$`).FindAllSubmatch(source, -1) {
		names = append(names, string(match[1]))
	}
	if len(names) == 0 || !slices.Equal(names, schema.Defs.PresetName.Enum) {
		t.Errorf("found %v, the schema has %v", names, schema.Defs.PresetName.Enum)
	}
}

func TestAFieldBesideAPresetReplacesIts(t *testing.T) {
	server := scopegate.AuthorizationServer{
		Issuer: "https://sso.test/realms/main", Preset: scopegate.PresetKeycloak, RequiredClaims: map[string]any{},
		AdditionalAudiences: []string{},
	}
	text, err := json.Marshal(server)
	want := `{"issuer":"https://sso.test/realms/main","preset":"keycloak","additional_audiences":[],"required_claims":{}}`
	if err != nil || string(text) != want {
		t.Errorf("found %s, %v", text, err)
	}
}

func TestEveryFieldOfAConfigurationHasItsKey(t *testing.T) {
	_, err := scopegate.New(scopegate.Config{
		Resource: resource,
		AuthorizationServers: []scopegate.AuthorizationServer{
			{
				Issuer: "https://as.test", FurtherIssuers: []string{"https://as2.test"}, Preset: scopegate.PresetWorkOS,
				MetadataIssuer: "https://as.test",
				DiscoveryURL:   "https://as.test/metadata", Advertise: scopegate.AdvertiseAs("https://as.test"),
				Algorithms: []string{"ES256"}, TokenFormat: scopegate.FormatGeneric, AdditionalAudiences: []string{"x"},
				UnsafeClientAudience: &scopegate.ClientAudience{Claim: "client_id", Values: []string{"app"}},
				ScopeClaims:          []scopegate.ClaimPath{{"scope"}, {"realm_access", "roles"}}, ScopePrefix: "api://x/",
				ClientIDClaims: []string{"client_id"}, RequiredClaims: map[string]any{"tid": []string{"a", "b"}},
			},
			{Issuer: "https://as3.test", Advertise: scopegate.NotAdvertised, JWKSURI: "https://as3.test/keys"},
		},
		ScopesSupported: []string{"a"}, RequiredScopes: []string{"a"}, InitialScopes: []string{"a"},
		Policy: &scopegate.Policy{
			Default: scopegate.Deny, Methods: map[string]scopegate.Rule{"tools/list": scopegate.Need()},
			Tools: map[string]scopegate.Rule{"weather": scopegate.Need("a")}, MaxBodyBytes: 1 << 20,
		},
		ScopeImplications: map[string][]string{"a": {"b"}}, ScopeWildcards: true, AdditionalAudiences: []string{"x"},
		RejectForeignAudiences: true, LeewaySeconds: scopegate.Seconds(1), MaxTokenAgeSeconds: 60,
		MaxTokenLifetimeSeconds: 60, ChallengeScopes: scopegate.ChallengeRequired, RefusalBody: scopegate.RefusalBodyOAuth,
		Metadata: map[string]any{"resource_name": "Weather"}, ServeRootMetadata: true,
		ServeAuthorizationServerMetadata: true,
		CORSOrigins:                      []string{"https://app.test"}, AllowedOrigins: []string{"https://app.test"},
		Keys: scopegate.Keys{
			DefaultTTLSeconds: 300, MaxStaleSeconds: scopegate.Seconds(60), UnknownKeyIntervalSeconds: 5, MaxWaiters: 1,
			RSAMaxBits: 2048, BackgroundRefresh: scopegate.Off(),
			Snapshot: json.RawMessage(`{"version": 1, "exported_at": 0, "sources": []}`),
		},
		TokenCache:     scopegate.TokenCache{Capacity: scopegate.Limit(0), MaxBytes: scopegate.Limit(0)},
		DistrustedKeys: []scopegate.DistrustedKey{{Issuer: "https://as2.test", KeyID: "1"}},
		HTTP: scopegate.HTTP{
			TimeoutSeconds: 1, Proxy: "http://127.0.0.1:1", UserAgent: "weather", AllowPrivateAddresses: true,
			InsecureHosts: []string{"as.test"},
		},
	})
	if err != nil {
		t.Error(err)
	}
}

func TestEndedContextIsReturnedAndNothingIsWritten(t *testing.T) {
	issuer, gate := newPair(t, scopegate.Config{})
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := gate.Authorize(ended, authorized(issuer, nil)); !errors.Is(err, context.Canceled) {
		t.Errorf("found %v", err)
	}
	written := httptest.NewRecorder()
	request := httptest.NewRequestWithContext(ended, http.MethodPost, "/mcp", strings.NewReader("{}"))
	gate.Protect(unreachable(t)).ServeHTTP(written, request)
	if written.Body.Len() != 0 || len(written.Header()) != 0 {
		t.Errorf("found %v %q", written.Header(), written.Body)
	}
}

func TestContextThatEndsWhileKeysAreFetchedIsReturnedAtOnce(t *testing.T) {
	asked := make(chan struct{}, 8)
	gate := newGate(t, scopegate.Config{
		AuthorizationServers: []scopegate.AuthorizationServer{{
			Issuer: "https://issuer.test", JWKSURI: hangingServer(t, asked), TokenFormat: scopegate.FormatRFC9068,
		}},
		HTTP: scopegate.HTTP{TimeoutSeconds: 10},
	})
	ctx, cancel := context.WithCancel(t.Context())
	returned := make(chan error)
	go func() {
		_, err := gate.Authorize(ctx, authorized(scopegatetest.NewIssuer(resource), nil))
		returned <- err
	}()
	<-asked
	cancel()
	if err := <-returned; !errors.Is(err, context.Canceled) {
		t.Errorf("found %v", err)
	}
}

func TestOutageIsUnavailableForEveryWaitingRequest(t *testing.T) {
	gate := newGate(t, scopegate.Config{AuthorizationServers: []scopegate.AuthorizationServer{unreachableServer()}})
	issuer := scopegatetest.NewIssuer(resource)
	var waiting sync.WaitGroup
	for range 16 {
		waiting.Go(func() {
			_, err := gate.Authorize(context.Background(), authorized(issuer, nil))
			var refusal *scopegate.Rejected
			if !errors.As(err, &refusal) || !refusal.Unavailable() || refusal.Status != http.StatusServiceUnavailable {
				t.Errorf("found %v", err)
			}
		})
	}
	waiting.Wait()
	health, err := gate.Health()
	if err != nil || health.Status != "unavailable" || !strings.Contains(string(health.Report), "sources") {
		t.Errorf("found %s %s %v", health.Status, health.Report, err)
	}
}

func TestCheckNeverWaits(t *testing.T) {
	asked := make(chan struct{}, 8)
	gate := newGate(t, scopegate.Config{AuthorizationServers: []scopegate.AuthorizationServer{{
		Issuer: "https://issuer.test", JWKSURI: hangingServer(t, asked),
	}}})
	_, err := gate.Check(authorized(scopegatetest.NewIssuer(resource), nil))
	if refusal := rejected(t, err); !refusal.Unavailable() {
		t.Errorf("found %+v", refusal)
	}
	<-asked // the fetch was started, and the answer came before it could end
}

func TestWarmUpNamesTheIssuerWhoseKeysAreMissing(t *testing.T) {
	gate := newGate(t, scopegate.Config{AuthorizationServers: []scopegate.AuthorizationServer{unreachableServer()}})
	var failed *scopegate.KeysError
	if err := gate.WarmUp(t.Context()); !errors.As(err, &failed) || failed.Errors[0].Path != "https://issuer.test" {
		t.Errorf("found %v", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := gate.WarmUp(ended); !errors.Is(err, context.Canceled) {
		t.Errorf("found %v", err)
	}
}

func TestBodyThatDecidesMustBeHandedIn(t *testing.T) {
	issuer, gate := newPair(t, scopegate.Config{Policy: weatherPolicy()})
	request := authorized(issuer, scopegatetest.Claims{"scope": "mcp:tools:weather"})
	_, err := gate.Authorize(t.Context(), request)
	if refusal := rejected(t, err); refusal.Reason != scopegate.ReasonInternal || !strings.Contains(refusal.Detail, "Body") {
		t.Errorf("found %+v", refusal)
	}
	request.Body = []byte(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"weather"}}`)
	if _, err := gate.Authorize(t.Context(), request); err != nil {
		t.Error(err)
	}
	request.Body = nil
	request.Calls = []scopegate.Call{{Method: "tools/call", Name: "drop_all", ID: 1}}
	_, err = gate.Authorize(t.Context(), request)
	if refusal := rejected(t, err); refusal.Reason != scopegate.ReasonPolicyDenied {
		t.Errorf("found %+v", refusal)
	}
}

func TestManyLinesAndCallsAreHandedOverWhole(t *testing.T) {
	issuer, gate := newPair(t, scopegate.Config{Policy: weatherPolicy()})
	request := authorized(issuer, scopegatetest.Claims{"scope": "mcp:tools:weather"})
	request.Scopes = make([]string, 100)
	for i := range request.Scopes {
		request.Scopes[i] = "mcp:tools:weather"
	}
	request.Calls = []scopegate.Call{{Method: "ping", ID: "a"}}
	if _, err := gate.Authorize(t.Context(), request); err != nil {
		t.Error(err)
	}
	request.Scopes[99] = "missing"
	_, err := gate.Authorize(t.Context(), request)
	if refusal := rejected(t, err); refusal.Reason != scopegate.ReasonInsufficientScope {
		t.Errorf("found %+v", refusal)
	}
	request.Calls = make([]scopegate.Call, 50)
	for i := range request.Calls {
		request.Calls[i] = scopegate.Call{Method: "ping"}
	}
	request.Calls[49] = scopegate.Call{Method: "tools/call", Name: "drop_all"}
	_, err = gate.Authorize(t.Context(), request)
	if refusal := rejected(t, err); refusal.Reason != scopegate.ReasonPolicyDenied {
		t.Errorf("found %+v", refusal)
	}
}

func TestRequireAsksForMoreOnAVerifiedToken(t *testing.T) {
	issuer, gate := newPair(t, scopegate.Config{})
	token, err := gate.Authorize(t.Context(), authorized(issuer, scopegatetest.Claims{"scope": "read"}))
	if err != nil {
		t.Fatal(err)
	}
	if err := gate.Require(token, scopegate.Request{Scopes: []string{"read"}}); err != nil {
		t.Error(err)
	}
	err = gate.Require(token, scopegate.Request{Scopes: []string{"write"}})
	if refusal := rejected(t, err); refusal.Reason != scopegate.ReasonInsufficientScope {
		t.Errorf("found %+v", refusal)
	}
}

func TestTokenThatTheLibraryDidNotVerifyIsRefused(t *testing.T) {
	_, gate := newPair(t, scopegate.Config{})
	for _, forged := range []*scopegate.AccessToken{nil, {Issuer: "https://issuer.test", Scopes: []string{"read"}}} {
		err := gate.Require(forged, scopegate.Request{Scopes: []string{"read"}})
		if refusal := rejected(t, err); refusal.Reason != scopegate.ReasonInternal {
			t.Errorf("found %+v", refusal)
		}
		if gate.Allowed(forged, scopegate.KindTool, "weather") {
			t.Error("allowed")
		}
	}
}

func TestClosedGateRefusesEverything(t *testing.T) {
	issuer, gate := newPair(t, scopegate.Config{})
	token, err := gate.Authorize(t.Context(), authorized(issuer, nil))
	if err != nil {
		t.Fatal(err)
	}
	gate.Close()
	gate.Close()
	_, err = gate.Authorize(t.Context(), authorized(issuer, nil))
	if refusal := rejected(t, err); refusal.Reason != scopegate.ReasonInternal || refusal.Status != http.StatusInternalServerError {
		t.Errorf("found %+v", refusal)
	}
	if gate.Allowed(token, scopegate.KindTool, "weather") || gate.WellKnown(metadataRequest()) != nil {
		t.Error("a closed gate answered")
	}
	if _, err := gate.Stats(); err == nil {
		t.Error("a closed gate has statistics")
	}
	if gate.Resource() != resource {
		t.Errorf("found %q", gate.Resource())
	}
}

func TestTokenOutlivesItsGate(t *testing.T) {
	issuer, gate := newPair(t, scopegate.Config{})
	token, err := gate.Authorize(t.Context(), authorized(issuer, nil))
	if err != nil {
		t.Fatal(err)
	}
	gate.Close()
	_, other := newPair(t, scopegate.Config{})
	runtime.GC()
	if !other.Allowed(token, scopegate.KindTool, "weather") {
		t.Error("the token is gone")
	}
}

func TestGateIsUsedAndClosedByManyGoroutines(t *testing.T) {
	issuer, gate := newPair(t, scopegate.Config{})
	request := authorized(issuer, nil)
	var running sync.WaitGroup
	for i := range 8 {
		running.Go(func() {
			for j := range 50 {
				if i == 7 && j == 25 {
					gate.Close()
				}
				_, err := gate.Authorize(context.Background(), request)
				var refusal *scopegate.Rejected
				if err != nil && (!errors.As(err, &refusal) || refusal.Reason != scopegate.ReasonInternal) {
					t.Errorf("found %v", err)
				}
			}
		})
	}
	running.Wait()
}

func TestColdRequestsShareOneFetch(t *testing.T) {
	issuer := scopegatetest.NewIssuer(resource)
	var fetches atomic.Int64
	keys := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fetches.Add(1)
		time.Sleep(100 * time.Millisecond) // so that the others come while it runs
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(issuer.Server().JWKS)
	})
	gate := newGate(t, scopegate.Config{AuthorizationServers: []scopegate.AuthorizationServer{{
		Issuer: issuer.Issuer(), JWKSURI: serve(t, keys) + "/keys",
	}}})
	var waiting sync.WaitGroup
	for range 32 {
		waiting.Go(func() {
			if _, err := gate.Authorize(context.Background(), authorized(issuer, nil)); err != nil {
				t.Error(err)
			}
		})
	}
	waiting.Wait()
	if fetches.Load() != 1 {
		t.Errorf("%d fetches", fetches.Load())
	}
}

func TestGateSaysWhatItGuards(t *testing.T) {
	_, gate := newPair(t, scopegate.Config{})
	found := []string{gate.Resource(), gate.Hostname(), gate.Origin(), gate.Path(), gate.MetadataURL()}
	expected := []string{
		resource, "mcp.test", "https://mcp.test", "/mcp", "https://mcp.test/.well-known/oauth-protected-resource/mcp",
	}
	if strings.Join(found, " ") != strings.Join(expected, " ") {
		t.Errorf("found %v", found)
	}
}

func TestStatsCountDecisions(t *testing.T) {
	issuer, gate := newPair(t, scopegate.Config{})
	if _, err := gate.Authorize(t.Context(), authorized(issuer, nil)); err != nil {
		t.Fatal(err)
	}
	text, err := gate.Stats()
	var stats struct{ Accepted int }
	if err != nil || json.Unmarshal(text, &stats) != nil || stats.Accepted != 1 {
		t.Errorf("found %s %v", text, err)
	}
}

func newPair(t testing.TB, config scopegate.Config) (*scopegatetest.Issuer, *scopegate.ResourceServer) {
	t.Helper()
	issuer := scopegatetest.NewIssuer(resource)
	config.AuthorizationServers = []scopegate.AuthorizationServer{issuer.Server()}
	return issuer, newGate(t, config)
}

// newGate makes a gate for resource, of an issuer that cannot be reached, and without a log, unless the configuration
// says otherwise.
func newGate(t testing.TB, config scopegate.Config) *scopegate.ResourceServer {
	t.Helper()
	config.Resource = resource
	if config.Logger == nil {
		config.Logger = discard
	}
	if config.AuthorizationServers == nil {
		config.AuthorizationServers = []scopegate.AuthorizationServer{unreachableServer()}
	}
	gate, err := scopegate.New(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(gate.Close)
	return gate
}

func unreachableServer() scopegate.AuthorizationServer {
	return scopegate.AuthorizationServer{Issuer: "https://issuer.test", JWKSURI: "http://127.0.0.1:1/keys"}
}

// hangingServer accepts connections, tells so, and never answers.
func hangingServer(t *testing.T, asked chan<- struct{}) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		var held []net.Conn
		for {
			connection, err := listener.Accept()
			if err != nil {
				break
			}
			held = append(held, connection)
			asked <- struct{}{}
		}
		for _, connection := range held {
			_ = connection.Close()
		}
	}()
	return "http://" + listener.Addr().String() + "/keys"
}

func authorized(issuer *scopegatetest.Issuer, claims scopegatetest.Claims) scopegate.Request {
	return scopegate.Request{
		Method: http.MethodPost, Target: "/mcp", Authorization: []string{issuer.Authorization(claims)},
	}
}

func metadataRequest() scopegate.Request {
	return scopegate.Request{Method: http.MethodGet, Target: "/.well-known/oauth-protected-resource/mcp"}
}

func weatherPolicy() *scopegate.Policy {
	return &scopegate.Policy{
		Default: scopegate.Need(),
		Tools:   map[string]scopegate.Rule{"weather": scopegate.Need("mcp:tools:weather"), "drop_*": scopegate.Deny},
	}
}

func rejected(t *testing.T, err error) *scopegate.Rejected {
	t.Helper()
	var refusal *scopegate.Rejected
	if !errors.As(err, &refusal) {
		t.Fatalf("expected a refusal, found %v", err)
	}
	return refusal
}
