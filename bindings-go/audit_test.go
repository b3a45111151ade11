package scopegate_test

import (
	"context"
	"strings"
	"testing"
	"time"

	scopegate "github.com/scopegate/scopegate/bindings-go"
	"github.com/scopegate/scopegate/bindings-go/scopegatetest"
)

// audited is a gate that keeps events, after it accepted one call and refused another.
func audited(t *testing.T) *scopegate.ResourceServer {
	issuer := scopegatetest.NewIssuer(resource)
	gate := newGate(t, scopegate.Config{
		AuthorizationServers: []scopegate.AuthorizationServer{issuer.Server()},
		Policy: &scopegate.Policy{
			Default: scopegate.Deny,
			Tools:   map[string]scopegate.Rule{"weather": scopegate.Need("weather")},
		},
		Events: &scopegate.Events{},
	})
	for _, scope := range []string{"weather", "other"} {
		request := scopegate.Request{
			Method:        "POST",
			Authorization: []string{issuer.Authorization(scopegatetest.Claims{"sub": "alice", "scope": scope})},
			Body:          []byte(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"weather"}}`),
		}
		_, err := gate.Authorize(t.Context(), request)
		if (err == nil) != (scope == "weather") {
			t.Fatal(scope, err)
		}
	}
	return gate
}

func TestEventsSayWhoAskedForWhatAndWhatWasDecided(t *testing.T) {
	gate := audited(t)
	events := gate.DrainEvents()
	if len(events) != 2 || events[0].Outcome != "accepted" || events[0].Reason != nil ||
		events[1].Outcome != "refused" || *events[1].Reason != "insufficient_scope" {
		t.Fatalf("%+v", events)
	}
	for _, event := range events {
		if *event.Subject != "alice" || strings.Join(event.ScopesNeeded, " ") != "weather" ||
			event.Calls[0].Method != "tools/call" || *event.Calls[0].Name != "weather" {
			t.Errorf("%+v", event)
		}
	}
	if left := gate.DrainEvents(); left != nil {
		t.Errorf("drained twice: %+v", left)
	}
}

func TestChannelOfEventsEndsWithItsContextAfterThoseThatWait(t *testing.T) {
	gate := audited(t)
	ctx, cancel := context.WithCancel(t.Context())
	events := gate.Events(ctx, time.Hour)
	cancel()
	var outcomes []string
	for event := range events {
		outcomes = append(outcomes, event.Outcome)
	}
	if strings.Join(outcomes, " ") != "accepted refused" {
		t.Error(outcomes)
	}
}

func TestChannelOfEventsIsFilledWhileTheServerWorks(t *testing.T) {
	gate := audited(t)
	events := gate.Events(t.Context(), time.Millisecond)
	if first, second := <-events, <-events; first.Outcome != "accepted" || second.Outcome != "refused" {
		t.Error(first, second)
	}
}

func TestEventsWithoutAnIntervalPanicWhereTheyAreAskedFor(t *testing.T) {
	defer func() {
		if message, _ := recover().(string); !strings.Contains(message, "Events: expected an interval") {
			t.Errorf("found %q", message)
		}
	}()
	audited(t).Events(t.Context(), 0)
}

func TestMetricsArePrometheusText(t *testing.T) {
	text, err := audited(t).Metrics()
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"scopegate_accepted_total 1", `scopegate_refused_total{reason="insufficient_scope"} 1`} {
		if !strings.Contains(text, "\n"+line+"\n") {
			t.Errorf("%s is not in\n%s", line, text)
		}
	}
}
