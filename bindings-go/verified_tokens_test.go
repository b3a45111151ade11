package scopegate_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	scopegate "github.com/scopegate/scopegate/bindings-go"
	"github.com/scopegate/scopegate/bindings-go/scopegatetest"
)

// More than are remembered, so that tokens share their places.
const manyTokens = 1500

func TestTokensThatComeAgainAreToldApart(t *testing.T) {
	for _, capacity := range []int{0, 2, 10_000} {
		t.Run(fmt.Sprintf("%d kept", capacity), func(t *testing.T) {
			issuer, gate := newPair(t, scopegate.Config{TokenCache: scopegate.TokenCache{Capacity: &capacity}})
			requests := make([]scopegate.Request, manyTokens)
			for i := range requests {
				requests[i] = authorized(issuer, scopegatetest.Claims{"sub": fmt.Sprint("user-", i)})
			}
			var threads sync.WaitGroup
			for thread := range 2 {
				threads.Go(func() {
					var held []*scopegate.AccessToken
					for round := range 4 {
						for i := range requests {
							at := (i*(1+2*thread) + round) % manyTokens
							token, err := gate.Authorize(t.Context(), requests[at])
							if err != nil || token.Subject != fmt.Sprint("user-", at) {
								t.Errorf("%d: found %v", at, err)
								return
							}
							held = append(held, token)
						}
					}
					_ = held
				})
			}
			threads.Wait()
		})
	}
}

func TestWhoeverGetsATokenMayChangeIt(t *testing.T) {
	issuer, gate := newPair(t, scopegate.Config{})
	request := authorized(issuer, scopegatetest.Claims{"sub": "alice", "scope": "a b"})
	for range 4 {
		token, err := gate.Authorize(t.Context(), request)
		if err != nil {
			t.Fatal(err)
		}
		if token.Subject != "alice" || !slices.Equal(token.Scopes, []string{"a", "b"}) ||
			!slices.Equal(token.EffectiveScopes, []string{"a", "b"}) || !slices.Equal(token.Audience, []string{resource}) ||
			token.Claims[0] != '{' {
			t.Fatal("another caller's change is seen")
		}
		token.Subject, token.Claims[0] = "mallory", '!'
		token.Scopes[0], token.EffectiveScopes[0], token.Audience[0] = "admin", "admin", "elsewhere"
		_ = append(token.Scopes, "admin")
	}
}

func TestTokenThatCameBeforeIsJudgedAnew(t *testing.T) {
	issuer, gate := newPair(t, scopegate.Config{})
	request := authorized(issuer, scopegatetest.Claims{"scope": "a"})
	request.Body = []byte{}
	for range 3 {
		if _, err := gate.Authorize(t.Context(), request); err != nil {
			t.Fatal(err)
		}
	}
	late, more := request, request
	late.Now, more.Scopes = time.Now().Add(24*time.Hour), []string{"b"}
	for changed, reason := range map[*scopegate.Request]scopegate.Reason{
		&late: scopegate.ReasonExpired, &more: scopegate.ReasonInsufficientScope,
	} {
		if _, err := gate.Authorize(t.Context(), *changed); rejected(t, err).Reason != reason {
			t.Errorf("expected %s, found %v", reason, err)
		}
	}
	if err := gate.DistrustKey(issuer.Issuer(), "test-key-1"); err != nil {
		t.Fatal(err)
	}
	if _, err := gate.Authorize(t.Context(), request); rejected(t, err).Reason != scopegate.ReasonUnknownKey {
		t.Errorf("found %v", err)
	}
}
