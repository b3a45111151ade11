package scopegate_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	scopegate "github.com/scopegate/scopegate/bindings-go"
	"github.com/scopegate/scopegate/bindings-go/scopegatetest"
)

func TestDistrustedKeyIsRefusedAtOnceAndInAnOutage(t *testing.T) {
	issuer, server := keyServer(t)
	gate := newGate(t, scopegate.Config{AuthorizationServers: server})
	expectReason(t, gate, issuer, "")
	if err := gate.DistrustKey(issuer.Issuer(), "test-key-1"); err != nil {
		t.Fatal(err)
	}
	expectReason(t, gate, issuer, scopegate.ReasonUnknownKey)
	cold := newGate(t, scopegate.Config{
		AuthorizationServers: server,
		DistrustedKeys:       []scopegate.DistrustedKey{{Issuer: issuer.Issuer(), KeyID: "test-key-1"}},
	})
	expectReason(t, cold, issuer, scopegate.ReasonUnknownKey)
}

func TestReplacedKeysAloneAnswerUntilTheyAreResumed(t *testing.T) {
	issuer, server := keyServer(t)
	gate := newGate(t, scopegate.Config{AuthorizationServers: server})
	other := scopegatetest.NewIssuer(resource)
	other.Rotate()
	if err := gate.ReplaceKeys(issuer.Issuer(), other.Server().JWKS); err != nil {
		t.Fatal(err)
	}
	expectReason(t, gate, issuer, scopegate.ReasonUnknownKey)
	expectReason(t, gate, other, "")
	if err := gate.Resume(issuer.Issuer()); err != nil {
		t.Fatal(err)
	}
	if err := gate.WarmUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	expectReason(t, gate, issuer, "")
}

func TestSnapshotOfKeysIsEnoughToBeginWith(t *testing.T) {
	issuer, server := keyServer(t)
	gate := newGate(t, scopegate.Config{AuthorizationServers: server})
	if err := gate.WarmUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	snapshot, err := gate.ExportKeys()
	if err != nil {
		t.Fatal(err)
	}
	server[0].JWKSURI = "http://127.0.0.1:1/keys"
	warm := newGate(t, scopegate.Config{
		AuthorizationServers: server, Keys: scopegate.Keys{Snapshot: snapshot, BackgroundRefresh: scopegate.Off()},
	})
	expectReason(t, warm, issuer, "")
}

func TestMistakenChangeOfKeysNamesItsArgumentAndChangesNothing(t *testing.T) {
	issuer, gate := newPair(t, scopegate.Config{})
	for argument, err := range map[string]error{
		"issuer": gate.DistrustKey("https://other.test", "test-key-1"),
		"kid":    gate.DistrustKey(issuer.Issuer(), ""),
		"jwks":   gate.ReplaceKeys(issuer.Issuer(), json.RawMessage(`{"keys": []}`)),
	} {
		var refused *scopegate.ConfigError
		if !errors.As(err, &refused) || refused.Errors[0].Path != argument {
			t.Errorf("%s: found %v", argument, err)
		}
	}
	if err := gate.Resume("https://other.test"); err == nil {
		t.Error("another issuer was resumed")
	}
	expectReason(t, gate, issuer, "")
}

func TestClientCertificateThatCannotBeReadIsAMistake(t *testing.T) {
	_, err := scopegate.New(scopegate.Config{
		Resource: resource, AuthorizationServers: scopegate.Issuers("https://as.test"),
		HTTP: scopegate.HTTP{ClientCertificate: &scopegate.ClientCertificate{
			CertificateFile: "nowhere.pem", KeyPEM: "no key",
		}},
	})
	if err == nil || !strings.Contains(err.Error(), "http.client_certificate.") {
		t.Errorf("found %v", err)
	}
}

func TestClosedGateChangesNoKeys(t *testing.T) {
	issuer, gate := newPair(t, scopegate.Config{})
	gate.Close()
	if err := gate.DistrustKey(issuer.Issuer(), "test-key-1"); err == nil {
		t.Error("a key was distrusted")
	}
	if _, err := gate.ExportKeys(); err == nil {
		t.Error("keys were exported")
	}
}

// keyServer is an issuer whose keys are at a URL, as one authorization server of a configuration.
func keyServer(t *testing.T) (*scopegatetest.Issuer, []scopegate.AuthorizationServer) {
	t.Helper()
	issuer := scopegatetest.NewIssuer(resource)
	keys := issuer.Server().JWKS
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(keys) }))
	t.Cleanup(server.Close)
	return issuer, []scopegate.AuthorizationServer{{Issuer: issuer.Issuer(), JWKSURI: server.URL + "/keys"}}
}

// expectReason judges a good token of the issuer; "" expects that it is accepted.
func expectReason(t *testing.T, gate *scopegate.ResourceServer, issuer *scopegatetest.Issuer, wanted scopegate.Reason) {
	t.Helper()
	_, err := gate.Authorize(t.Context(), authorized(issuer, nil))
	var found scopegate.Reason
	if refusal := (*scopegate.Rejected)(nil); errors.As(err, &refusal) {
		found = refusal.Reason
	}
	if found != wanted {
		t.Errorf("expected %q, found %v", wanted, err)
	}
}
