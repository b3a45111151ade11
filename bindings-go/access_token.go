//go:build cgo

package scopegate

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"time"
)

// An AccessToken is what a verified access token says. It never holds the token itself, because MCP forbids passing it
// on. Package fmt and slog show no claim of it; encoding/json writes its fields.
type AccessToken struct {
	// Issuer is who issued it: a configured issuer (iss).
	Issuer string
	// Subject is whom it speaks for (sub); empty when absent. A client that speaks for itself may be named here too
	// (RFC 9068 section 2.2). Unique only together with the issuer.
	Subject string
	// ClientID is the client it was issued to; empty when absent.
	ClientID string
	// Scopes are granted, in the token's order, without duplicates.
	Scopes []string
	// EffectiveScopes are the granted scopes, then those that they imply: for programs that compare without hierarchy.
	EffectiveScopes []string
	// Audience is whom it is for (aud); empty when another claim stood in for it.
	Audience []string
	// Resource is the resource that accepted it, as configured.
	Resource string
	// ExpiresAt is its exp, in whole seconds. The leeway is not added.
	ExpiresAt time.Time
	// IssuedAt is its iat, in whole seconds; zero when absent.
	IssuedAt time.Time
	// TokenID is its jti, unique only together with the issuer; empty when absent.
	TokenID string
	// Principal is the issuer, a blank, then the subject, or the client where there is no subject: the key for sessions
	// and stored state. Empty when the token names neither.
	Principal string
	// Claims is the payload exactly as it was signed. Of the claims without a field here, only those in RequiredClaims
	// were checked.
	Claims json.RawMessage

	kept *keptToken
}

// Format writes the name of the type, whatever the verb: what programs print ends in their logs.
func (AccessToken) Format(state fmt.State, _ rune) {
	_, _ = io.WriteString(state, "scopegate.AccessToken")
}

// LogValue is the name of the type too.
func (AccessToken) LogValue() slog.Value { return slog.StringValue("scopegate.AccessToken") }
