package scopegate_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	scopegate "github.com/scopegate/scopegate/bindings-go"
	"github.com/scopegate/scopegate/bindings-go/scopegatetest"
)

func TestWhoeverChangesATokenIsStillJudgedByWhatItSaid(t *testing.T) {
	issuer, gate := newPair(t, scopegate.Config{})
	request := authorized(issuer, scopegatetest.Claims{"sub": "alice", "scope": "a b"})
	for round := range 4 {
		token, err := gate.Authorize(t.Context(), request)
		if err != nil {
			t.Fatal(err)
		}
		token.Scopes[0], token.EffectiveScopes[0], token.Subject = "admin", "admin", "mallory"
		token.Scopes = append(token.Scopes, "admin")
		for scope, reason := range map[string]scopegate.Reason{"a": "", "b": "", "admin": scopegate.ReasonInsufficientScope} {
			further := request
			further.Scopes = []string{scope}
			err := gate.Require(token, further)
			if (err != nil) != (reason != "") || err != nil && rejected(t, err).Reason != reason {
				t.Errorf("round %d, %s: found %v", round, scope, err)
			}
		}
	}
}

func TestTokenThatTheLibraryDidNotMakeIsRefused(t *testing.T) {
	issuer, gate := newPair(t, scopegate.Config{})
	request := authorized(issuer, nil)
	for _, token := range []*scopegate.AccessToken{nil, {Issuer: issuer.Issuer(), Scopes: []string{"a"}}} {
		if err := gate.Require(token, request); rejected(t, err).Reason != scopegate.ReasonInternal {
			t.Errorf("found %v", err)
		}
		if gate.Allowed(token, scopegate.KindTool, "weather") {
			t.Error("allowed")
		}
	}
}

func TestTokenOfManyScopesIsReadWhole(t *testing.T) {
	issuer, gate := newPair(t, scopegate.Config{})
	for _, count := range []int{0, 1, 11, 12, 13, 30, 200} {
		scopes := []string{}
		for number := range count {
			scopes = append(scopes, fmt.Sprint("scope:", number))
		}
		request := authorized(issuer, scopegatetest.Claims{"scope": strings.Join(scopes, " ")})
		for range 4 {
			token, err := gate.Authorize(t.Context(), request)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(token.Scopes, scopes) || !slices.Equal(token.EffectiveScopes, scopes) ||
				!slices.Equal(token.Audience, []string{resource}) {
				t.Errorf("%d: found %v", count, token.Scopes)
			}
			request.Scopes = scopes
			if err := gate.Require(token, request); err != nil {
				t.Errorf("%d: found %v", count, err)
			}
		}
	}
}
