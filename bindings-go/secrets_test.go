package scopegate_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	scopegate "github.com/scopegate/scopegate/bindings-go"
	"github.com/scopegate/scopegate/bindings-go/scopegatetest"
)

// A trace is what the package let out, in each form of text that it has, for tests/secrets to search (T55).
type trace struct{ bytes.Buffer }

// forms are those of fmt, and what both handlers of slog write of a value.
func (t *trace) forms(value any) {
	fmt.Fprintf(t, "%v %+v %#v %x\n", value, value, value, value)
	for _, logger := range t.loggers() {
		logger.Debug("a value", "value", value)
	}
}

func (t *trace) loggers() []*slog.Logger {
	everything := &slog.HandlerOptions{AddSource: true, Level: slog.LevelDebug}
	return []*slog.Logger{slog.New(slog.NewTextHandler(t, everything)), slog.New(slog.NewJSONHandler(t, everything))}
}

func (t *trace) write(test *testing.T, name string, tokens ...string) {
	folder := os.Getenv("SCOPEGATE_TRACES")
	if folder == "" {
		folder = filepath.Join("..", "target", "traces")
	}
	files := map[string]string{name + ".txt": t.String(), name + ".tokens": strings.Join(tokens, "\n")}
	err := os.MkdirAll(folder, 0o755)
	for file, text := range files {
		err = errors.Join(err, os.WriteFile(filepath.Join(folder, file), []byte(text), 0o644))
	}
	if err != nil {
		test.Fatal(err)
	}
}

func TestEveryOutcomeIsWrittenDown(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(vectors, "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	kept := new(trace)
	defer slog.SetDefault(slog.Default())
	for _, file := range files {
		var suite suite
		read(t, file, &suite)
		for _, group := range suite.Groups {
			for i, vector := range group.Cases {
				slog.SetDefault(kept.loggers()[i%2])
				// A gate of its own has no line limit that another case used up.
				gate, err := scopegate.FromJSON(group.Config)
				if err != nil {
					t.Fatalf("%s: %v", vector.ID, err)
				}
				fmt.Fprintf(kept, "== %s\n", vector.ID)
				kept.outcome(gate, vector)
				gate.Close()
			}
		}
	}
	kept.write(t, "go")
}

func (t *trace) outcome(gate *scopegate.ResourceServer, vector vector) {
	request := vector.Request.request(vector.Now)
	t.forms(request)
	t.forms(&request)
	t.forms(gate.WellKnown(request))
	token, err := gate.Authorize(context.Background(), request)
	if err == nil {
		t.forms(token)
		t.forms(*token)
		err = gate.Require(token, scopegate.Request{Scopes: []string{"a-scope-that-nobody-has"}})
	}
	t.forms(err)
	t.forms(gate)
	stats, err := gate.Stats()
	t.forms(string(stats))
	t.forms(err)
	health, err := gate.Health()
	t.forms(health)
	t.forms(err)
}

func TestHandlerLetsNothingOut(t *testing.T) {
	kept := new(trace)
	issuer := scopegatetest.NewIssuer(resource)
	marks := func(more scopegatetest.Claims) string {
		claims := scopegatetest.Claims{"sub": "canary-subject", "client_id": "canary-client", "scope": "read", "marked": "canary-claim"}
		for name, value := range more {
			claims[name] = value
		}
		return issuer.Authorization(claims)
	}
	good := marks(nil)
	values := []string{
		good, marks(scopegatetest.Claims{"expires_in": -3600}), marks(scopegatetest.Claims{"scope": "canary-scope"}),
		marks(scopegatetest.Claims{"aud": "https://canary.test"}), marks(scopegatetest.Claims{"iss": "https://canary.test"}),
		good[:len(good)-8] + "AAAAAAAA", good[:len(good)-8] + "~canary~", good + ", " + good,
	}
	statuses := map[int]bool{}
	for _, servers := range [][]scopegate.AuthorizationServer{{issuer.Server()}, scopegate.Issuers(issuer.Issuer())} {
		config := scopegate.Config{
			RequiredScopes: []string{"read"}, AuthorizationServers: servers, Logger: kept.loggers()[0],
		}
		server := serve(t, newGate(t, config).Protect(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			kept.forms(scopegate.TokenFromContext(r.Context()))
		})))
		for _, value := range values {
			found := get(t, server+"/mcp?canary=1", http.Header{"Authorization": {value}})
			statuses[found.status] = true
			fmt.Fprintln(kept, found.status, found.header, found.body)
		}
	}
	for _, status := range []int{200, 400, 401, 403, 503} {
		if !statuses[status] {
			t.Errorf("no answer had status %d: %v", status, statuses)
		}
	}
	kept.write(t, "go-handler", values...)
}
