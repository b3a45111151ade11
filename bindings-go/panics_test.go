package scopegate_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"

	scopegate "github.com/scopegate/scopegate/bindings-go"
	"github.com/scopegate/scopegate/bindings-go/internal/panics"
	"github.com/scopegate/scopegate/bindings-go/scopegatetest"
)

// Which functions a request meets; a panic in one of them must not let it pass.
var decides = map[string]bool{
	"scopegate_server_well_known": true, "scopegate_server_not_found": true,
	"scopegate_server_check": true, "scopegate_token_issuer": true, "scopegate_token_resource": true,
	"scopegate_token_claims": true, "scopegate_token_scope_at": true, "scopegate_token_effective_scope_at": true,
	"scopegate_token_audience_at": true,
}

// T57 (tests/attacks.md)
func TestPanicInsideTheLibraryRefusesAndTheServerGoesOn(t *testing.T) {
	if !panics.In("") {
		if os.Getenv("SCOPEGATE_TEST_HOOKS") != "" {
			t.Fatal("the library that was loaded has no hooks")
		}
		t.Skip("needs the library with hooks: SCOPEGATE_TEST_HOOKS=1 and its folder in LD_LIBRARY_PATH")
	}
	defer panics.Nowhere()
	issuer := scopegatetest.NewIssuer(resource)
	gate := newGate(t, scopegate.Config{AuthorizationServers: []scopegate.AuthorizationServer{issuer.Server()}})
	server := serve(t, gate.Protect(whoAmI, scopegate.WithHealth("/healthz")))
	refusals := 0
	for _, entry := range entries(t) {
		panics.In(entry)
		good := get(t, server+"/mcp", issuer.Header(scopegatetest.Claims{"scope": "read"}))
		refused := get(t, server+"/mcp", nil)
		for _, path := range []string{"/.well-known/oauth-protected-resource/mcp", "/healthz"} {
			get(t, server+path, nil)
		}
		token, err := gate.Authorize(t.Context(), scopegate.Request{Authorization: []string{issuer.Authorization(nil)}})
		if err == nil {
			_ = gate.Require(token, scopegate.Request{Scopes: []string{"more"}})
			gate.Allowed(token, scopegate.KindTool, "weather")
		}
		_, _ = gate.Stats()
		panics.Nowhere()

		if decides[entry] != (good.status == http.StatusInternalServerError) {
			t.Errorf("panic in %s: a good token was answered with %d %q", entry, good.status, good.body)
		}
		if refused.status != http.StatusUnauthorized && refused.status != http.StatusInternalServerError {
			t.Errorf("panic in %s: no token was answered with %d", entry, refused.status)
		}
		if refused.status == http.StatusInternalServerError {
			refusals++
		}
		if after := get(t, server+"/mcp", issuer.Header(nil)); after.status != http.StatusOK || after.body != "user" {
			t.Errorf("after a panic in %s: a good token was answered with %d %q", entry, after.status, after.body)
		}
	}
	if refusals == 0 {
		t.Error("no panic refused a request")
	}
}

func TestPanicWhileDecidingIsTheServerErrorOfTheWireTable(t *testing.T) {
	if !panics.In("scopegate_server_check") {
		t.Skip("needs the library with hooks")
	}
	defer panics.Nowhere()
	gate := newGate(t, scopegate.Config{})
	found := get(t, serve(t, gate.Protect(whoAmI))+"/mcp", nil)
	const body = `{"error":"server_error","error_description":"Internal error"}`
	if found.status != http.StatusInternalServerError || found.body != body {
		t.Errorf("found %d %q", found.status, found.body)
	}
}

func TestPanicWhileADocumentIsFoundIsAnsweredAndTheRequestGoesNoFurther(t *testing.T) {
	if !panics.In("") {
		t.Skip("needs the library with hooks")
	}
	defer panics.Nowhere()
	var log bytes.Buffer
	gate := newGate(t, scopegate.Config{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	protect := gate.Protect(whoAmI, scopegate.WithHealth("/healthz"), scopegate.WithMetrics("/metrics"), scopegate.WithPublic("/open"))
	server := serve(t, protect)
	for entry, path := range map[string]string{
		"scopegate_server_well_known":       "/open",
		"scopegate_server_not_found":        "/.well-known/oauth-protected-resource/other",
		"scopegate_server_health_response":  "/healthz",
		"scopegate_server_metrics_response": "/metrics",
		"scopegate_response_status":         "/metrics",
	} {
		before := get(t, server+path, nil)
		panics.In(entry)
		found := get(t, server+path, nil)
		panics.Nowhere()
		if found.status != http.StatusInternalServerError || before.status == found.status {
			t.Errorf("panic in %s: %s was answered with %d %q", entry, path, found.status, found.body)
		}
		if after := get(t, server+path, nil); after.status != before.status {
			t.Errorf("after a panic in %s: %s was answered with %d, not %d", entry, path, after.status, before.status)
		}
	}
	if !strings.Contains(log.String(), "a panic in scopegate_server_health_response was caught") {
		t.Errorf("logged %q", log.String())
	}
}

// entries are the functions of the header, but for those that free: a panic there leaks by design.
func entries(t *testing.T) []string {
	header, err := os.ReadFile("../include/scopegate.h")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, match := range regexp.MustCompile(`(?m)^[a-z].*?\b(scopegate_[a-z0-9_]+)\(`).FindAllStringSubmatch(string(header), -1) {
		names = append(names, match[1])
	}
	if len(names) < 50 {
		t.Fatalf("only %d functions found in the header", len(names))
	}
	return names
}
