package scopegate_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	scopegate "github.com/scopegate/scopegate/bindings-go"
	"github.com/scopegate/scopegate/bindings-go/scopegatetest"
)

// whoAmI answers with the subject of the token, or with the body when there is one.
var whoAmI = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	if token := scopegate.TokenFromContext(r.Context()); token != nil && len(body) == 0 {
		body = []byte(token.Subject)
	}
	_, _ = w.Write(body)
})

func TestRequestThatPassesHasItsToken(t *testing.T) {
	issuer, gate := newPair(t, scopegate.Config{})
	found := get(t, serve(t, gate.Protect(whoAmI))+"/mcp", issuer.Header(scopegatetest.Claims{"sub": "alice"}))
	if found.status != http.StatusOK || found.body != "alice" {
		t.Errorf("found %+v", found)
	}
}

func TestRefusalsReachTheClientByteForByte(t *testing.T) {
	issuer, gate := newPair(t, scopegate.Config{RequiredScopes: []string{"read"}, CORSOrigins: []string{"https://app.test"}})
	server := serve(t, gate.Protect(unreachable(t)))
	for name, header := range map[string]http.Header{
		"no token":    {},
		"bad token":   {"Authorization": {"Bearer a.b.c"}},
		"two lines":   {"Authorization": {issuer.Authorization(nil), issuer.Authorization(nil)}},
		"expired":     issuer.Header(scopegatetest.Claims{"expires_in": -3600}),
		"scope short": issuer.Header(scopegatetest.Claims{"scope": "other"}),
		"for scripts": {"Origin": {"https://app.test"}},
	} {
		found := get(t, server+"/mcp", header)
		_, err := gate.Authorize(t.Context(), scopegate.Request{
			Method: http.MethodGet, Target: "/mcp", Authorization: header["Authorization"], Origin: header["Origin"], Body: []byte{},
		})
		expected := rejected(t, err)
		if found.status != expected.Status || found.body != string(expected.Body) {
			t.Errorf("%s: found %+v, expected %+v", name, found, expected)
		}
		for _, field := range expected.Headers {
			if values := found.header.Values(field.Name); len(values) != 1 || values[0] != field.Value {
				t.Errorf("%s: %s: found %q, expected %q", name, field.Name, values, field.Value)
			}
		}
	}
}

func TestOutageIsAnsweredWith503(t *testing.T) {
	gate := newGate(t, scopegate.Config{})
	found := get(t, serve(t, gate.Protect(unreachable(t)))+"/mcp", scopegatetest.NewIssuer(resource).Header(nil))
	if found.status != http.StatusServiceUnavailable || found.header.Get("Retry-After") == "" {
		t.Errorf("found %+v", found)
	}
	if challenge := found.header.Get("WWW-Authenticate"); challenge != "" {
		t.Errorf("challenge %q", challenge)
	}
}

func TestBodyThatDecidedReachesTheHandlerWhole(t *testing.T) {
	issuer, gate := newPair(t, scopegate.Config{Policy: weatherPolicy()})
	server := serve(t, gate.Protect(whoAmI))
	header := issuer.Header(scopegatetest.Claims{"scope": "mcp:tools:weather"})
	call := `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"weather","arguments":{"city":"` +
		strings.Repeat("x", 100_000) + `"}}}`
	if found := post(t, server+"/mcp", header, strings.NewReader(call)); found.body != call {
		t.Errorf("found %d, %d bytes", found.status, len(found.body))
	}
	chunked := io.MultiReader(strings.NewReader(call)) // of no type that net/http knows the length of
	if found := post(t, server+"/mcp", header, chunked); found.body != call {
		t.Errorf("chunked: found %d, %d bytes", found.status, len(found.body))
	}
	denied := strings.Replace(call, "weather", "drop_all", 1)
	found := post(t, server+"/mcp", header, strings.NewReader(denied))
	if found.status != http.StatusForbidden || !strings.Contains(found.body, `"id":1`) {
		t.Errorf("found %+v", found)
	}
}

func TestBodyOfAStrangerIsNotRead(t *testing.T) {
	_, gate := newPair(t, scopegate.Config{Policy: weatherPolicy()})
	request := httptest.NewRequest(http.MethodPost, "/mcp", failingReader{t})
	written := httptest.NewRecorder()
	gate.Protect(unreachable(t)).ServeHTTP(written, request)
	if written.Code != http.StatusUnauthorized {
		t.Errorf("found %d", written.Code)
	}
}

func TestBodyOverTheLimitIsRefused(t *testing.T) {
	policy := weatherPolicy()
	policy.MaxBodyBytes = 1000
	issuer, gate := newPair(t, scopegate.Config{Policy: policy})
	handler := gate.Protect(unreachable(t))
	header := issuer.Header(scopegatetest.Claims{"scope": "mcp:tools:weather"})
	if found := post(t, serve(t, handler)+"/mcp", header, strings.NewReader(strings.Repeat(" ", 1001))); found.status != http.StatusRequestEntityTooLarge {
		t.Errorf("found %+v", found)
	}
	outside := http.MaxBytesHandler(handler, 10)
	if found := post(t, serve(t, outside)+"/mcp", header, strings.NewReader(strings.Repeat(" ", 100))); found.status != http.StatusRequestEntityTooLarge {
		t.Errorf("limit outside: found %+v", found)
	}
}

func TestBodyThatCannotBeReadToItsEndIsRefused(t *testing.T) {
	issuer, gate := newPair(t, scopegate.Config{Policy: weatherPolicy()})
	server := serve(t, gate.Protect(unreachable(t)))
	connection, err := net.Dial("tcp", strings.TrimPrefix(server, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	_, err = io.WriteString(connection, "POST /mcp HTTP/1.1\r\nHost: mcp.test\r\nAuthorization: "+
		issuer.Authorization(scopegatetest.Claims{"scope": "mcp:tools:weather"})+
		"\r\nTransfer-Encoding: chunked\r\n\r\nnot a chunk\r\n")
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.ReadResponse(bufio.NewReader(connection), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusBadRequest {
		t.Errorf("found %d", response.StatusCode)
	}
}

func TestContentEncodingBeforeABodyThatDecidesIsRefused(t *testing.T) {
	issuer, gate := newPair(t, scopegate.Config{Policy: weatherPolicy()})
	server := serve(t, gate.Protect(whoAmI))
	header := issuer.Header(scopegatetest.Claims{"scope": "mcp:tools:weather"})
	ping := `{"jsonrpc":"2.0","id":1,"method":"ping"}`
	for coding, status := range map[string]int{
		"gzip": http.StatusUnsupportedMediaType, "identity, br": http.StatusUnsupportedMediaType,
		"Identity": http.StatusOK, "": http.StatusOK,
	} {
		header.Set("Content-Encoding", coding)
		if found := post(t, server+"/mcp", header, strings.NewReader(ping)); found.status != status {
			t.Errorf("%q: found %+v", coding, found)
		}
	}
}

func TestWellKnownRoutesAreServedAndTheirSiblingsAreMissing(t *testing.T) {
	_, gate := newPair(t, scopegate.Config{})
	server := serve(t, gate.Protect(unreachable(t)))
	document := get(t, gate.MetadataURL()[len(gate.Origin()):], nil, server)
	if document.status != http.StatusOK || !strings.Contains(document.body, `"resource":"`+resource+`"`) {
		t.Errorf("found %+v", document)
	}
	if other := get(t, server+"/.well-known/oauth-protected-resource/other", nil); other.status != http.StatusNotFound {
		t.Errorf("found %+v", other)
	}
	head, err := http.Head(server + "/.well-known/oauth-protected-resource/mcp?query")
	if err != nil {
		t.Fatal(err)
	}
	defer head.Body.Close()
	if head.StatusCode != http.StatusOK || head.ContentLength != int64(len(document.body)) {
		t.Errorf("found %d, length %d", head.StatusCode, head.ContentLength)
	}
}

func TestPreflightIsAnsweredWithoutAToken(t *testing.T) {
	_, gate := newPair(t, scopegate.Config{CORSOrigins: []string{"https://app.test"}})
	request := httptest.NewRequest(http.MethodOptions, "/mcp", nil)
	request.Header.Set("Origin", "https://app.test")
	request.Header.Set("Access-Control-Request-Method", "POST")
	request.Header.Set("Access-Control-Request-Headers", "mcp-param-city")
	written := httptest.NewRecorder()
	written.Header().Set("Access-Control-Allow-Origin", "set outside")
	written.Header().Set("Vary", "Accept")
	gate.Protect(unreachable(t)).ServeHTTP(written, request)
	if written.Code != http.StatusNoContent || written.Header().Get("Access-Control-Allow-Origin") != "https://app.test" {
		t.Errorf("found %d %v", written.Code, written.Header())
	}
	if vary := strings.Join(written.Header().Values("Vary"), ", "); vary != "Accept, Origin" {
		t.Errorf("Vary %q", vary)
	}
	if !strings.Contains(strings.ToLower(written.Header().Get("Access-Control-Allow-Headers")), "mcp-param-city") {
		t.Errorf("found %v", written.Header())
	}
}

func TestPublicPathsNeedNoTokenAndAreExact(t *testing.T) {
	_, gate := newPair(t, scopegate.Config{})
	server := serve(t, gate.Protect(whoAmI, scopegate.WithPublic("/", "/about")))
	for path, status := range map[string]int{
		"/": http.StatusOK, "/about": http.StatusOK, "/about/": http.StatusUnauthorized, "/About": http.StatusUnauthorized,
		"//": http.StatusUnauthorized, "/about/../mcp": http.StatusUnauthorized, "/%61bout": http.StatusUnauthorized,
	} {
		if found := get(t, server+path, nil); found.status != status {
			t.Errorf("%s: found %+v", path, found)
		}
	}
}

func TestPublicPathIsNoOtherHandlersWhateverIsEscapedInIt(t *testing.T) {
	_, gate := newPair(t, scopegate.Config{})
	routes := http.NewServeMux()
	routes.Handle("/open/{file}", whoAmI)
	routes.Handle("/{tenant}", unreachable(t))
	server := serve(t, gate.Protect(routes, scopegate.WithPublic("/open/a!b", "/open/\u00e4 b")))
	for path, status := range map[string]int{
		"/open/a!b": http.StatusOK, "/open/%C3%A4%20b": http.StatusOK, "/open%2Fa!b": http.StatusUnauthorized,
		"/open%2fa%21b": http.StatusUnauthorized, "/open%2F%C3%A4%20b": http.StatusUnauthorized,
	} {
		if found := get(t, server+path, nil); found.status != status {
			t.Errorf("%s: found %+v", path, found)
		}
	}
}

func TestHealthShowsTheStatusAlone(t *testing.T) {
	gate := newGate(t, scopegate.Config{})
	server := serve(t, gate.Protect(unreachable(t), scopegate.WithHealth("/healthz")))
	if found := get(t, server+"/healthz", nil); found.body != `{"status":"unavailable"}` {
		t.Errorf("found %+v", found)
	}
	if found := post(t, server+"/healthz", nil, nil); found.status != http.StatusUnauthorized {
		t.Errorf("found %+v", found)
	}
}

func TestScopesOfARouteAreNeededThere(t *testing.T) {
	issuer, gate := newPair(t, scopegate.Config{})
	routes := http.NewServeMux()
	routes.Handle("/reports", gate.Protect(whoAmI, scopegate.WithScopes("reports")))
	routes.Handle("/", gate.Protect(whoAmI))
	server := serve(t, routes)
	header := issuer.Header(scopegatetest.Claims{"scope": "other"})
	if found := get(t, server+"/reports", header); found.status != http.StatusForbidden {
		t.Errorf("found %+v", found)
	}
	if found := get(t, server+"/", header); found.status != http.StatusOK {
		t.Errorf("found %+v", found)
	}
}

func TestOptionWithoutAPathPanics(t *testing.T) {
	defer func() {
		if message, _ := recover().(string); !strings.Contains(message, `WithPublic: expected a path`) {
			t.Errorf("found %q", message)
		}
	}()
	scopegate.WithPublic("about")
}

func TestContextWithoutATokenGivesNone(t *testing.T) {
	if scopegate.TokenFromContext(context.Background()) != nil {
		t.Error("found a token")
	}
}

type exchanged struct {
	status int
	header http.Header
	body   string
}

func get(t *testing.T, path string, header http.Header, server ...string) exchanged {
	t.Helper()
	return send(t, http.MethodGet, strings.Join(server, "")+path, header, nil)
}

func post(t *testing.T, url string, header http.Header, body io.Reader) exchanged {
	t.Helper()
	return send(t, http.MethodPost, url, header, body)
}

func send(t *testing.T, method, url string, header http.Header, body io.Reader) exchanged {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	for name, values := range header {
		request.Header[name] = values
	}
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return exchanged{response.StatusCode, response.Header, string(text)}
}

func serve(t *testing.T, handler http.Handler) string {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL
}

func unreachable(t *testing.T) http.Handler {
	return http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the handler was reached") })
}

type failingReader struct{ t *testing.T }

func (r failingReader) Read([]byte) (int, error) {
	r.t.Error("the body was read")
	return 0, io.EOF
}
