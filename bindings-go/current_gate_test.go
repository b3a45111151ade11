package scopegate_test

import (
	"context"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	scopegate "github.com/scopegate/scopegate/bindings-go"
	"github.com/scopegate/scopegate/bindings-go/scopegatetest"
)

// gatesOf makes gates of one issuer, each of which wants another scope.
func gatesOf(t *testing.T, scopes ...string) (*scopegatetest.Issuer, []*scopegate.ResourceServer) {
	t.Helper()
	issuer := scopegatetest.NewIssuer(resource)
	var gates []*scopegate.ResourceServer
	for _, scope := range scopes {
		gates = append(gates, newGate(t, scopegate.Config{
			AuthorizationServers: []scopegate.AuthorizationServer{issuer.Server()},
			RequiredScopes:       []string{scope}, ScopesSupported: []string{scope},
		}))
	}
	return issuer, gates
}

func TestRequestsAndMetadataFollowTheCurrentGate(t *testing.T) {
	issuer, gates := gatesOf(t, "old", "new")
	var current atomic.Pointer[scopegate.ResourceServer]
	server := serve(t, scopegate.Protect(scopegate.GateFunc(current.Load), whoAmI, scopegate.WithMetrics("/metrics")))
	for i, name := range []string{"old", "new"} {
		current.Store(gates[i])
		if metrics := get(t, server+"/metrics", nil); !strings.Contains(metrics.body, "\nscopegate_accepted_total 0\n") {
			t.Errorf("%s: found %s", name, metrics.body)
		}
		for _, scope := range []string{"old", "new"} {
			found := get(t, server+"/mcp", issuer.Header(scopegatetest.Claims{"scope": scope}))
			if passed := found.status == http.StatusOK; passed != (scope == name) {
				t.Errorf("%s: %s: found %d", name, scope, found.status)
			}
		}
		document := get(t, server+"/.well-known/oauth-protected-resource/mcp", nil)
		if !strings.Contains(document.body, `"scopes_supported":["`+name+`"]`) {
			t.Errorf("%s: found %s", name, document.body)
		}
	}
}

func TestRequestIsJudgedByOneGateFromBeginToEnd(t *testing.T) {
	issuer, gates := gatesOf(t, "old", "new")
	asked := 0
	gate := scopegate.GateFunc(func() *scopegate.ResourceServer {
		asked++
		return gates[asked-1]
	})
	more := func(context.Context, scopegate.FullCall) ([]string, error) { return []string{"more"}, nil }
	handler := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if scopegate.GateFromContext(r.Context()) != gates[1] {
			t.Error("another gate")
		}
	})
	server := serve(t, scopegate.Protect(gate, handler, scopegate.WithScopesOf(more)))
	short := get(t, server+"/mcp", issuer.Header(scopegatetest.Claims{"scope": "old"}))
	if challenge := short.header.Get("WWW-Authenticate"); !strings.Contains(challenge, `scope="old more"`) {
		t.Errorf("found %s", challenge)
	}
	if found := get(t, server+"/mcp", issuer.Header(scopegatetest.Claims{"scope": "new more"})); found.status != http.StatusOK {
		t.Errorf("found %+v", found)
	}
	if asked != 2 {
		t.Errorf("%d gates for 2 requests", asked)
	}
}

func TestNothingIsDroppedWhileGatesChange(t *testing.T) {
	issuer, gates := gatesOf(t, "both", "both")
	var turn atomic.Int64
	gate := scopegate.GateFunc(func() *scopegate.ResourceServer { return gates[turn.Add(1)%2] })
	server := serve(t, scopegate.Protect(gate, whoAmI))
	header := issuer.Header(scopegatetest.Claims{"scope": "both", "sub": "alice"})
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 25 {
				if found := get(t, server+"/mcp", header); found.status != http.StatusOK || found.body != "alice" {
					t.Errorf("found %+v", found)
				}
			}
		})
	}
	group.Wait()
}

func TestWithoutAGateNothingPasses(t *testing.T) {
	none := scopegate.GateFunc(func() *scopegate.ResourceServer { return nil })
	quiet := httptest.NewUnstartedServer(scopegate.Protect(none, unreachable(t), scopegate.WithPublic("/open")))
	quiet.Config.ErrorLog = log.New(io.Discard, "", 0)
	quiet.Start()
	t.Cleanup(quiet.Close)
	for _, path := range []string{"/mcp", "/open"} {
		response, err := http.Get(quiet.URL + path)
		if err == nil {
			_, _ = io.Copy(io.Discard, response.Body)
			response.Body.Close()
			t.Errorf("%s: found %d", path, response.StatusCode)
		}
	}
}
