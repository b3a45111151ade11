package scopegate

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"runtime"
	"time"
)

// An AuditEvent is what was decided about one request, for whom, and what they asked for.
//
// It holds values of claims that were verified, and never the token. All from Issuer on is known only of tokens that proved
// good. Texts are cut after 256 bytes and lists after 32 items, with "\u2026" in the place of the rest.
type AuditEvent struct {
	// Time is when, in seconds since 1970; nil where the machine's clock cannot be used.
	Time *int64 `json:"time"`
	// Resource is the one that was asked for, as configured.
	Resource string `json:"resource"`
	// Outcome is "accepted" or "refused".
	Outcome string `json:"outcome"`
	// Reason is the name of why the request was refused.
	Reason *string `json:"reason"`
	// Issuer, Subject and ClientID are what the token says.
	Issuer   *string `json:"issuer"`
	Subject  *string `json:"subject"`
	ClientID *string `json:"client_id"`
	// ScopesNeeded are those that the request needed, as far as they were found out.
	ScopesNeeded []string `json:"scopes_needed"`
	// ScopesGranted are the token's.
	ScopesGranted []string `json:"scopes_granted"`
	// Calls are the MCP calls in the request, where they were read.
	Calls []AuditedCall `json:"calls"`
	// Token tells events of one token from events of another: a salted hash, in hexadecimal. Each process draws its salt.
	Token *string `json:"token"`
}

// An AuditedCall is an MCP call that was asked for.
type AuditedCall struct {
	// Method is the JSON-RPC method.
	Method string `json:"method"`
	// Name is the tool, prompt or resource that it names first; nil where it names none.
	Name *string `json:"name"`
}

// DrainEvents takes the audit events that were kept since they were last taken, in the order of their decisions: one for
// each request that was accepted or refused, and for each refusal of Require. None where Events is not configured.
//
// Nothing waits for who drains: without room events are dropped, and Stats counts them.
func (g *ResourceServer) DrainEvents() []AuditEvent {
	defer runtime.KeepAlive(g)
	var events []AuditEvent
	for decoder := json.NewDecoder(bytes.NewReader(g.server.drainEvents())); ; {
		var event AuditEvent
		if decoder.Decode(&event) != nil {
			return events
		}
		events = append(events, event)
	}
}

// Events drains the audit events every interval into the channel until the context is done; then it sends what still waits
// as far as there is room, and closes the channel. A receiver that is slow slows no request: events that find no room are
// dropped and counted. An interval that is not positive panics.
func (g *ResourceServer) Events(ctx context.Context, interval time.Duration) <-chan AuditEvent {
	if interval <= 0 {
		panic(fmt.Sprintf("scopegate: Events: expected an interval that is positive, not %v", interval))
	}
	events := make(chan AuditEvent, 256)
	go func() {
		defer close(events)
		ticker := time.NewTicker(interval)
		defer ticker.Stop()
		for ctx.Err() == nil {
			select {
			case <-ctx.Done():
			case <-ticker.C:
			}
			g.sendEvents(ctx, events)
		}
		g.sendEvents(ctx, events)
	}()
	return events
}

// sendEvents waits for the receiver until the context is done, and then for nobody.
func (g *ResourceServer) sendEvents(ctx context.Context, events chan<- AuditEvent) {
	for _, event := range g.DrainEvents() {
		select {
		case events <- event:
		case <-ctx.Done():
			select {
			case events <- event:
			default:
			}
		}
	}
}

// Metrics has the counters of Stats as Prometheus text, to be served as "text/plain; version=0.0.4; charset=utf-8". It names
// issuers: show it to operators alone.
func (g *ResourceServer) Metrics() (string, error) {
	defer runtime.KeepAlive(g)
	return g.server.metrics()
}
