package scopegate_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"reflect"
	"strings"
	"testing"

	scopegate "github.com/scopegate/scopegate/bindings-go"
	"github.com/scopegate/scopegate/bindings-go/scopegatetest"
)

const internalBody = `{"error":"server_error","error_description":"Internal error"}`

// mailTo asks for a scope of its own where mail goes to others.
func mailTo(_ context.Context, call scopegate.FullCall) ([]string, error) {
	arguments, _ := call.Params["arguments"].(map[string]any)
	if call.Name == "send_email" && arguments["to"] != "me" {
		return []string{"mail:others"}, nil
	}
	return nil, nil
}

func sendEmail(to string) string {
	return `{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"send_email","arguments":{"to":"` + to + `"}}}`
}

func TestScopesOfACallAreNeededBesideThePolicy(t *testing.T) {
	issuer, gate := newPair(t, scopegate.Config{Policy: &scopegate.Policy{
		Default: scopegate.Need(), Tools: map[string]scopegate.Rule{"send_email": scopegate.Need("mail")},
	}})
	server := serve(t, gate.Protect(whoAmI, scopegate.WithScopes("api"), scopegate.WithScopesOf(mailTo)))
	send := func(scope, to string) exchanged {
		return post(t, server+"/mcp", issuer.Header(scopegatetest.Claims{"scope": scope}), strings.NewReader(sendEmail(to)))
	}
	found := send("api mail", "you")
	challenge := found.header.Get("WWW-Authenticate")
	if found.status != http.StatusForbidden || !strings.Contains(challenge, `scope="mail api mail:others"`) {
		t.Errorf("found %d, %s", found.status, challenge)
	}
	if !strings.Contains(found.body, `"id":7`) || !strings.Contains(found.body, `"scope":"mail api mail:others"`) {
		t.Errorf("found %s", found.body)
	}
	for scope, to := range map[string]string{"api mail": "me", "api mail mail:others": "you"} {
		if found := send(scope, to); found.status != http.StatusOK || found.body != sendEmail(to) {
			t.Errorf("%s: found %+v", scope, found)
		}
	}
}

func TestFunctionIsAskedAboutWhatTheServerReads(t *testing.T) {
	issuer, gate := newPair(t, scopegate.Config{Policy: weatherPolicy()})
	var asked []scopegate.FullCall
	server := serve(t, gate.Protect(whoAmI, scopegate.WithScopesOf(
		func(_ context.Context, call scopegate.FullCall) ([]string, error) {
			if call.Token.Subject != "alice" {
				t.Errorf("found %q", call.Token.Subject)
			}
			call.Token = nil
			asked = append(asked, call)
			return nil, nil
		})))
	header := issuer.Header(scopegatetest.Claims{"sub": "alice", "scope": "mcp:tools:weather"})
	call := `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"weather","arguments":{"n":9007199254740993,"N":1}}}`
	batch := `[` + call + `,{"jsonrpc":"2.0","id":2,"method":"ping"}]`
	for _, body := range []string{batch, `{"jsonrpc":"2.0","id":1,"result":{}}`} {
		if found := post(t, server+"/mcp", header, strings.NewReader(body)); found.status != http.StatusOK {
			t.Errorf("found %+v", found)
		}
	}
	if found := get(t, server+"/mcp", header); found.status != http.StatusOK {
		t.Errorf("found %+v", found)
	}
	arguments := map[string]any{"n": json.Number("9007199254740993"), "N": json.Number("1")}
	nothing := scopegate.FullCall{Params: map[string]any{}}
	expected := []scopegate.FullCall{
		{Method: "tools/call", Name: "weather", Params: map[string]any{"name": "weather", "arguments": arguments}},
		{Method: "ping", Params: map[string]any{}},
		nothing,
		nothing,
	}
	if !reflect.DeepEqual(asked, expected) {
		t.Errorf("found %+v", asked)
	}
}

func TestFunctionIsNotAskedForStrangersNorForWhatIsDeniedOrUnreadable(t *testing.T) {
	issuer, gate := newPair(t, scopegate.Config{Policy: weatherPolicy()})
	server := serve(t, gate.Protect(unreachable(t), scopegate.WithScopesOf(
		func(context.Context, scopegate.FullCall) ([]string, error) {
			t.Error("it was asked")
			return nil, nil
		})))
	good := issuer.Header(scopegatetest.Claims{"scope": "mcp:tools:weather"})
	twice := strings.Replace(sendEmail("you"), `"to"`, `"to":"me","to"`, 1)
	for name, sent := range map[string]struct {
		header http.Header
		body   string
		status int
	}{
		"no token":     {http.Header{}, sendEmail("me"), http.StatusUnauthorized},
		"expired":      {issuer.Header(scopegatetest.Claims{"expires_in": -3600}), sendEmail("me"), http.StatusUnauthorized},
		"denied":       {good, strings.Replace(sendEmail("me"), "send_email", "drop_table", 1), http.StatusForbidden},
		"ambiguous":    {good, twice, http.StatusBadRequest},
		"not JSON":     {good, "{", http.StatusBadRequest},
		"encoded":      {with(good, "Content-Encoding", "gzip"), sendEmail("me"), http.StatusUnsupportedMediaType},
		"another type": {with(good, "Content-Type", "text/plain"), sendEmail("me"), http.StatusUnsupportedMediaType},
		"two types":    {with(good, "Content-Type", "application/json;a=b, text/plain"), sendEmail("me"), http.StatusUnsupportedMediaType},
	} {
		if found := post(t, server+"/mcp", sent.header, strings.NewReader(sent.body)); found.status != sent.status {
			t.Errorf("%s: found %+v", name, found)
		}
	}
}

func with(header http.Header, name, value string) http.Header {
	changed := header.Clone()
	changed.Set(name, value)
	return changed
}

func TestBatchNeedsWhatEachOfItsCallsNeeds(t *testing.T) {
	issuer, gate := newPair(t, scopegate.Config{})
	server := serve(t, gate.Protect(unreachable(t), scopegate.WithScopesOf(
		func(_ context.Context, call scopegate.FullCall) ([]string, error) {
			return []string{"call:" + call.Method, "common"}, nil
		})))
	batch := `[{"jsonrpc":"2.0","id":1,"method":"ping"},{"jsonrpc":"2.0","method":"tools/list","id":2}]`
	found := post(t, server+"/mcp", issuer.Header(nil), strings.NewReader(batch))
	challenge := found.header.Get("WWW-Authenticate")
	if found.status != http.StatusForbidden || !strings.Contains(challenge, `scope="call:ping common call:tools/list"`) {
		t.Errorf("found %d, %s", found.status, challenge)
	}
}

func TestFaultOfTheFunctionLetsNothingPass(t *testing.T) {
	issuer, gate := newPair(t, scopegate.Config{})
	for name, scopesOf := range map[string]func() ([]string, error){
		"fails":              func() ([]string, error) { return nil, errors.New("secret") },
		"panics":             func() ([]string, error) { panic("secret") },
		"gives no scope":     func() ([]string, error) { return []string{"not a scope"}, nil },
		"gives offline":      func() ([]string, error) { return []string{"offline_access"}, nil },
		"gives half a scope": func() ([]string, error) { return []string{"a", "b\""}, nil },
	} {
		asked := func(context.Context, scopegate.FullCall) ([]string, error) { return scopesOf() }
		server := serve(t, gate.Protect(unreachable(t), scopegate.WithScopesOf(asked)))
		found := post(t, server+"/mcp", issuer.Header(nil), strings.NewReader(sendEmail("me")))
		if found.status != http.StatusInternalServerError || found.body != internalBody || found.header.Get("WWW-Authenticate") != "" {
			t.Errorf("%s: found %+v", name, found)
		}
	}
}
