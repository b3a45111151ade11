package scopegatetest_test

import (
	"errors"
	"testing"
	"time"

	scopegate "github.com/scopegate/scopegate/bindings-go"
	"github.com/scopegate/scopegate/bindings-go/scopegatetest"
)

const resource = "https://mcp.test/mcp"

func TestClaimsReplaceTheDefaultsAndNilLeavesOneOut(t *testing.T) {
	issuer := scopegatetest.NewIssuer(resource)
	gate := newGate(t, issuer)
	token := pass(t, gate, issuer.Authorization(scopegatetest.Claims{
		"sub": "alice", "scope": "a b", "expires_in": 60, "email": "alice@mcp.test",
	}))
	if token.Subject != "alice" || token.ClientID != "client" || len(token.Scopes) != 2 {
		t.Errorf("found %+v", token)
	}
	if left := time.Until(token.ExpiresAt); left > time.Minute {
		t.Errorf("expires in %v", left)
	}
	for reason, claims := range map[scopegate.Reason]scopegatetest.Claims{
		scopegate.ReasonMissingClaim:    {"sub": nil},
		scopegate.ReasonExpired:         {"expires_in": -time.Hour},
		scopegate.ReasonWrongAudience:   {"aud": "https://other.test"},
		scopegate.ReasonUntrustedIssuer: {"iss": "https://other.test"},
	} {
		refuse(t, gate, issuer.Authorization(claims), reason)
	}
}

func TestRotatedIssuerIsUnknownToOldGatesAndKnownToNewOnes(t *testing.T) {
	issuer := scopegatetest.NewIssuer(resource)
	gate := newGate(t, issuer)
	before := issuer.Authorization(nil)
	issuer.Rotate()
	pass(t, gate, before)
	refuse(t, gate, issuer.Authorization(nil), scopegate.ReasonUnknownKey)
	pass(t, newGate(t, issuer), issuer.Header(nil).Get("Authorization"))
}

func TestTwoIssuersDoNotShareKeys(t *testing.T) {
	gate := newGate(t, scopegatetest.NewIssuer(resource))
	refuse(t, gate, scopegatetest.NewIssuer(resource).Authorization(nil), scopegate.ReasonBadSignature)
}

func TestTokensOfAnIssuerDiffer(t *testing.T) {
	issuer := scopegatetest.NewIssuer(resource)
	gate := newGate(t, issuer)
	first, second := pass(t, gate, issuer.Authorization(nil)), pass(t, gate, issuer.Authorization(nil))
	if first.TokenID == second.TokenID {
		t.Errorf("both are %q", first.TokenID)
	}
}

func newGate(t *testing.T, issuer *scopegatetest.Issuer) *scopegate.ResourceServer {
	t.Helper()
	gate, err := scopegate.New(scopegate.Config{
		Resource: resource, AuthorizationServers: []scopegate.AuthorizationServer{issuer.Server()},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(gate.Close)
	return gate
}

func pass(t *testing.T, gate *scopegate.ResourceServer, authorization string) *scopegate.AccessToken {
	t.Helper()
	token, err := gate.Authorize(t.Context(), scopegate.Request{Authorization: []string{authorization}})
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func refuse(t *testing.T, gate *scopegate.ResourceServer, authorization string, reason scopegate.Reason) {
	t.Helper()
	_, err := gate.Authorize(t.Context(), scopegate.Request{Authorization: []string{authorization}})
	var refusal *scopegate.Rejected
	if !errors.As(err, &refusal) || refusal.Reason != reason {
		t.Errorf("expected %s, found %v", reason, err)
	}
}
