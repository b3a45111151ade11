//go:build cgo

package scopegate

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// Protect guards everything that next serves, but for the well-known routes and the paths of WithPublic. A request that
// passes has its token in its context, for TokenFromContext; any other is answered with the refusal, unchanged.
//
// The body is read only when it decides on the request, after the token proved good, and next receives it whole. Such a
// body is answered with 415 when it has a Content-Encoding, or would pass and is not application/json in UTF-8. When the
// client has left, or the context of the request ends otherwise, nothing is written. An upgraded connection is judged by
// its first request alone.
//
// Protect panics for an option that names no path.
func (g *ResourceServer) Protect(next http.Handler, options ...ProtectOption) http.Handler {
	return Protect(g, next, options...)
}

// A ProtectOption changes what Protect does.
type ProtectOption func(*guard)

// WithPublic lets requests for these paths through without a token. They are compared exactly with URL.Path, and a target
// with an escape that its path does not need is none of them.
func WithPublic(paths ...string) ProtectOption {
	for _, path := range paths {
		expectPath("WithPublic", path)
	}
	return func(guard *guard) {
		for _, path := range paths {
			guard.public[path] = true
		}
	}
}

// WithHealth answers GET and HEAD for this path with {"status": ...}, for probes, without a token.
func WithHealth(path string) ProtectOption {
	expectPath("WithHealth", path)
	return func(guard *guard) { guard.health = path }
}

// WithMetrics answers GET and HEAD for this path with the text of Metrics, for scrapers, without a token. It names issuers,
// so have the proxy in front deny the path to all but operators.
func WithMetrics(path string) ProtectOption {
	expectPath("WithMetrics", path)
	return func(guard *guard) { guard.metrics = path }
}

// WithScopes names scopes that every guarded request needs, beside the configuration's: for a handler that serves one
// route.
func WithScopes(scopes ...string) ProtectOption {
	return func(guard *guard) { guard.scopes = slices.Clone(scopes) }
}

func expectPath(option, path string) {
	if !strings.HasPrefix(path, "/") {
		panic(fmt.Sprintf("scopegate: %s: expected a path that begins with a slash, not %q", option, path))
	}
}

type tokenKey struct{}

// TokenFromContext is the token of a request that passed Protect, or nil.
func TokenFromContext(ctx context.Context) *AccessToken {
	token, _ := ctx.Value(tokenKey{}).(*AccessToken)
	return token
}

type guard struct {
	source   Gate
	next     http.Handler
	public   map[string]bool
	health   string
	metrics  string
	scopes   []string
	scopesOf func(context.Context, FullCall) ([]string, error)
}

// An exchange is one request, which one gate judges from begin to end.
type exchange struct {
	*guard
	gate *ResourceServer
}

func (g *guard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	gate := g.source.Current()
	if gate == nil {
		panic("scopegate: expected a ResourceServer from the gate")
	}
	(&exchange{g, gate}).serve(w, r)
}

func (g *exchange) serve(w http.ResponseWriter, r *http.Request) {
	request := NewRequest(r)
	request.Scopes = g.scopes
	if r.Body == http.NoBody && len(request.MCPMethod) == 0 && !isEncoded(r) {
		request.Body = []byte{} // so that it need not be asked for
	}
	anyone := request
	anyone.Authorization = nil
	if document := g.document(r.URL.Path, &anyone); document != nil {
		document.ServeHTTP(w, r)
	} else if g.isPublic(r.URL) {
		g.next.ServeHTTP(w, r)
	} else if missing := g.gate.document(notFound, &anyone); missing != nil {
		missing.ServeHTTP(w, r)
	} else {
		g.serveGuarded(w, r, &request)
	}
}

func (g *exchange) serveGuarded(w http.ResponseWriter, r *http.Request, request *Request) {
	ctx := r.Context()
	found, err := g.gate.decide(ctx, request)
	if err == nil && (found.needsBody || found.token != nil && g.scopesOf != nil) {
		if isEncoded(r) {
			g.refuseEncoding(w, r)
			return
		}
		body, failure := readBody(r, g.gate.identity.bodyLimit)
		if isTooLarge(failure) { // a limit that a handler outside set is that handler's
			http.Error(w, failure.Error(), http.StatusRequestEntityTooLarge)
			return
		}
		if failure != nil {
			body, ctx = noJSON, context.WithoutCancel(ctx)
		}
		r = withBody(r, body)
		request.Body = body
		if found.needsBody {
			found, err = g.gate.decide(ctx, request)
		}
	}
	if err != nil {
		return
	}
	token, err := g.gate.token(ctx, request, found)
	if err != nil {
		sendRefusal(w, r, err)
		return
	}
	if len(request.Body) > 0 && !isJSON(r) {
		g.refuseType(w, r)
		return
	}
	if g.scopesOf != nil {
		if err := g.requireOfCalls(ctx, request, token); err != nil {
			sendRefusal(w, r, err)
			return
		}
	}
	ctx = context.WithValue(context.WithValue(ctx, gateKey{}, g.gate), tokenKey{}, token)
	g.next.ServeHTTP(w, r.WithContext(ctx))
}

// isPublic: a router by the path as it was sent, such as ServeMux for an escaped slash, finds another handler behind a path
// that only looks public once it is decoded.
func (g *guard) isPublic(target *url.URL) bool {
	return g.public[target.Path] && (target.RawPath == "" || target.RawPath == target.Path)
}

// document is the answer of a well-known route, or of the path for probes or scrapers, or nil.
func (g *exchange) document(path string, request *Request) *Response {
	document := g.gate.document(wellKnown, request)
	if document == nil && path == g.health {
		document = g.gate.document(healthOf, request)
	}
	if document == nil && path == g.metrics {
		document = g.gate.document(metricsOf, request)
	}
	return document
}

// refuseEncoding: the body decides, and is read as sent; inflating it here would be a second parser in front of the
// server's.
func (g *exchange) refuseEncoding(w http.ResponseWriter, r *http.Request) {
	g.gate.log.limited(r.Context(), slog.LevelWarn, "content-encoding",
		"scopegate: refused: the body has a Content-Encoding")
	unsupported("Content-Encoding", Header{"Accept-Encoding", "identity"}).ServeHTTP(w, r)
}

// refuseType: the body decides, and is read as JSON in UTF-8; a server behind may read another type otherwise.
func (g *exchange) refuseType(w http.ResponseWriter, r *http.Request) {
	g.gate.log.limited(r.Context(), slog.LevelWarn, "content-type",
		"scopegate: refused: the body is not application/json in UTF-8")
	unsupported("Content-Type").ServeHTTP(w, r)
}

func unsupported(what string, headers ...Header) *Response {
	return &Response{
		Status:  http.StatusUnsupportedMediaType,
		Headers: append([]Header{{"Content-Type", "application/json"}, {"Cache-Control", "no-store"}}, headers...),
		Body:    []byte(`{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"` + what + ` not supported"}}`),
	}
}

func isTooLarge(failure error) bool {
	var tooLarge *http.MaxBytesError
	return errors.As(failure, &tooLarge)
}

// noJSON stands for a body that has no end, or chunks that are none: what came of it may look like a call.
var noJSON = []byte{0}

func (g *ResourceServer) internalError(ctx context.Context, request *Request, detail string) error {
	return g.refused(ctx, g.ask(internalError, request, nil, nil, detail).answer)
}

func sendRefusal(w http.ResponseWriter, r *http.Request, err error) {
	var refusal *Rejected
	if errors.As(err, &refusal) {
		refusal.ServeHTTP(w, r)
	}
}

func isEncoded(r *http.Request) bool {
	for _, line := range r.Header.Values("Content-Encoding") {
		for coding := range strings.SplitSeq(line, ",") {
			coding = strings.TrimSpace(coding)
			if coding != "" && !strings.EqualFold(coding, "identity") {
				return true
			}
		}
	}
	return false
}

// isJSON is whether every parser takes the Content-Type (RFC 9110 section 8.3) for JSON in UTF-8. Without one nothing says
// otherwise.
func isJSON(r *http.Request) bool {
	lines := r.Header.Values("Content-Type")
	if len(lines) == 0 {
		return true
	}
	parts := strings.Split(strings.ToLower(lines[0]), ";")
	for _, part := range parts[1:] {
		part = strings.TrimSpace(part)
		if strings.Contains(part, "charset") && !utf8Charset.MatchString(part) {
			return false
		}
	}
	return len(lines) == 1 && !strings.Contains(lines[0], ",") && strings.TrimSpace(parts[0]) == "application/json"
}

var utf8Charset = regexp.MustCompile(`^charset="?utf-?8"?$`)

// readBody reads the whole body, or one byte more than the limit, which is refused.
func readBody(r *http.Request, limit int64) ([]byte, error) {
	if r.Body == nil {
		return []byte{}, nil
	}
	return io.ReadAll(io.LimitReader(r.Body, limit+1))
}

// withBody is the request with the body that was read in place of what is left of it.
func withBody(r *http.Request, body []byte) *http.Request {
	replayed := *r
	replayed.Body = io.NopCloser(bytes.NewReader(body))
	return &replayed
}
