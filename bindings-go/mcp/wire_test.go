package mcpgate_test

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	scopegate "github.com/scopegate/scopegate/bindings-go"
	"github.com/scopegate/scopegate/bindings-go/scopegatetest"
)

const (
	metadataURL = `resource_metadata="https://mcp.test/.well-known/oauth-protected-resource/mcp"`
	badToken    = "Bearer token is invalid or expired"
)

// A row is a refusal that the official client is made to meet, on a session that was good until then.
type row struct {
	name      string
	change    func(*http.Request)
	close     bool
	status    int
	challenge string
	body      string
}

func rows(issuer *scopegatetest.Issuer) []row {
	scopes := `scope="mcp"`
	return []row{
		{
			name:   "no credential",
			change: func(r *http.Request) { r.Header.Del("Authorization") },
			status: 401, challenge: "Bearer " + scopes + ", " + metadataURL,
			body: `{"error":"unauthorized","error_description":"Bearer token required"}`,
		},
		{
			name:   "two credentials",
			change: func(r *http.Request) { r.Header.Add("Authorization", r.Header.Get("Authorization")) },
			status: 400, challenge: `Bearer error="invalid_request", ` + metadataURL,
			body: `{"error":"invalid_request","error_description":"More than one credential was sent"}`,
		},
		{
			name:      "bad token",
			change:    authorization(issuer, scopegatetest.Claims{"expires_in": -time.Hour}),
			status:    401,
			challenge: `Bearer error="invalid_token", ` + scopes + ", " + metadataURL + `, error_description="` + badToken + `"`,
			body:      `{"error":"invalid_token","error_description":"` + badToken + `"}`,
		},
		{
			name:   "scope short",
			change: authorization(issuer, scopegatetest.Claims{"scope": "mcp"}),
			status: 403,
			challenge: `Bearer error="insufficient_scope", scope="mcp mcp:tools:weather", ` + metadataURL +
				`, error_description="Required scope: mcp mcp:tools:weather"`,
			body: `{"jsonrpc":"2.0","id":ID,"error":{"code":-32001,"message":"Required scope: mcp mcp:tools:weather","data":` +
				`{"error":"insufficient_scope","error_description":"Required scope: mcp mcp:tools:weather",` +
				`"scope":"mcp mcp:tools:weather"}}}`,
		},
		{
			name:   "policy",
			change: body(func(text string) string { return strings.Replace(text, `"weather"`, `"drop_all"`, 1) }),
			status: 403, challenge: "Bearer " + metadataURL,
			body: `{"jsonrpc":"2.0","id":ID,"error":{"code":-32001,"message":"Not allowed","data":` +
				`{"error":"access_denied","error_description":"Not allowed"}}}`,
		},
		{
			name:   "not JSON",
			change: body(func(text string) string { return text[1:] }),
			status: 400, body: `{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"Parse error"}}`,
		},
		{
			name:   "not one readable request",
			change: body(func(text string) string { return "[[" + text + "]]" }),
			status: 400, body: `{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"Invalid Request"}}`,
		},
		{
			name:   "too large",
			change: body(func(text string) string { return text + strings.Repeat(" ", 5000) }),
			status: 413, body: `{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"Request too large"}}`,
		},
		{
			name: "headers contradict the body",
			change: func(r *http.Request) {
				r.Header.Set("MCP-Protocol-Version", "2026-07-28")
				r.Header.Set("Mcp-Method", "ping")
			},
			status: 400, body: `{"jsonrpc":"2.0","id":ID,"error":{"code":-32020,"message":"Header mismatch"}}`,
		},
		{
			name:   "Origin",
			change: func(r *http.Request) { r.Header.Set("Origin", "https://evil.test") },
			status: 403, body: `{"error":"access_denied","error_description":"Origin not allowed"}`,
		},
		{
			name:   "keys unavailable",
			change: authorization(issuer, scopegatetest.Claims{"iss": "https://down.test"}),
			status: 503,
			body:   `{"error":"temporarily_unavailable","error_description":"Token keys are unavailable, try again later"}`,
		},
		{
			name:   "fault",
			close:  true,
			status: 500, body: `{"error":"server_error","error_description":"Internal error"}`,
		},
	}
}

func TestOfficialClientMeetsEveryRowByteForByte(t *testing.T) {
	for i := range rows(scopegatetest.NewIssuer(resource)) {
		issuer := scopegatetest.NewIssuer(resource)
		policy := policy()
		policy.MaxBodyBytes = 4000
		world := newWorld(t, scopegate.Config{
			AuthorizationServers: []scopegate.AuthorizationServer{
				issuer.Server(), {Issuer: "https://down.test", JWKSURI: "http://127.0.0.1:1/keys"},
			},
			RequiredScopes: []string{"mcp"}, Policy: policy, AllowedOrigins: []string{"https://mcp.test"},
		}, nil)
		row := rows(issuer)[i]
		session := world.connect(t, issuer.Authorization(weather("alice")))
		id := ""
		world.change = func(r *http.Request) {
			id = idOf(t, r)
			if row.change != nil {
				row.change(r)
			}
		}
		if row.close {
			world.gate.Close()
		}
		if _, err := call(t, session, "weather"); err == nil {
			t.Errorf("%s: the call succeeded", row.name)
		}
		found := world.last
		if found.status != row.status || found.body != strings.Replace(row.body, "ID", id, 1) {
			t.Errorf("%s: found %d %s", row.name, found.status, found.body)
		}
		if challenge := strings.Join(found.header.Values("WWW-Authenticate"), "\n"); challenge != row.challenge {
			t.Errorf("%s: found %q, expected %q", row.name, challenge, row.challenge)
		}
		if retry := found.header.Get("Retry-After"); (retry != "") != (row.status == http.StatusServiceUnavailable) {
			t.Errorf("%s: Retry-After %q", row.name, retry)
		}
		for name, value := range map[string]string{"Content-Type": "application/json", "Cache-Control": "no-store"} {
			if found.header.Get(name) != value {
				t.Errorf("%s: %s: %q", row.name, name, found.header.Get(name))
			}
		}
	}
}

func authorization(issuer *scopegatetest.Issuer, claims scopegatetest.Claims) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set("Authorization", issuer.Authorization(claims)) }
}

func body(change func(string) string) func(*http.Request) {
	return func(r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		changed := []byte(change(string(text)))
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(changed)), int64(len(changed))
	}
}

// idOf is the id of the call that the client sends, as its bytes.
func idOf(t *testing.T, r *http.Request) string {
	t.Helper()
	text, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	r.Body = io.NopCloser(bytes.NewReader(text))
	var message struct {
		ID any `json:"id"`
	}
	parse(t, text, &message)
	return asJSON(t, message.ID)
}
