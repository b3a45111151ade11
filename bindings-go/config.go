//go:build cgo

package scopegate

import (
	"encoding/json"
	"log/slog"
)

// A Config is the configuration of a ResourceServer. Resource and AuthorizationServers alone are a complete, strict one:
// a field that is left at its zero value has the default that is documented with it.
type Config struct {
	// Resource is the RFC 8707 identifier of this server: exactly the URL that users paste into a client. https, or http
	// on a loopback host. Required.
	Resource string `json:"resource,omitempty"`
	// AuthorizationServers are those whose tokens are accepted. At least one is required.
	AuthorizationServers []AuthorizationServer `json:"authorization_servers,omitempty"`
	// ScopesSupported is what the metadata advertises. Left out of it when nil.
	ScopesSupported []string `json:"scopes_supported,omitzero"`
	// RequiredScopes are needed by every request.
	RequiredScopes []string `json:"required_scopes,omitzero"`
	// InitialScopes are what a 401 asks for, when that is not the need of the request.
	InitialScopes []string `json:"initial_scopes,omitzero"`
	// Policy says which scopes each MCP call needs. Without one, RequiredScopes are all that is needed.
	Policy *Policy `json:"policy,omitempty"`
	// ScopeImplications has, for a scope, those that it implies.
	ScopeImplications map[string][]string `json:"scope_implications,omitempty"`
	// ScopeWildcards makes a granted "a:b:*" cover "a:b:" plus one or more characters.
	ScopeWildcards bool `json:"scope_wildcards,omitempty"`
	// AdditionalAudiences are further accepted aud values, compared exactly.
	AdditionalAudiences []string `json:"additional_audiences,omitempty"`
	// RejectForeignAudiences refuses a token that also names someone else.
	RejectForeignAudiences bool `json:"reject_foreign_audiences,omitempty"`
	// LeewaySeconds is the clock difference that is allowed, 0 to 300; nil is 30. Seconds makes one.
	LeewaySeconds *int `json:"leeway_seconds,omitempty"`
	// MaxTokenAgeSeconds refuses tokens that were issued longer ago, 1 to 31536000, and makes iat required. 0 is no limit.
	MaxTokenAgeSeconds int `json:"max_token_age_seconds,omitempty"`
	// MaxTokenLifetimeSeconds refuses tokens that are valid for longer, 1 to 31536000, and makes iat required. 0 is no limit.
	MaxTokenLifetimeSeconds int `json:"max_token_lifetime_seconds,omitempty"`
	// ChallengeScopes says what a 403 lists; ChallengeRequiredAndGranted when empty.
	ChallengeScopes ChallengeScopes `json:"challenge_scopes,omitempty"`
	// RefusalBody says which form a 403 has; RefusalBodyAuto when empty.
	RefusalBody RefusalBody `json:"refusal_body,omitempty"`
	// Metadata has further members of the protected resource metadata (RFC 9728), such as resource_name. They are
	// written in the order of their names.
	Metadata map[string]any `json:"metadata,omitempty"`
	// ServeRootMetadata also answers the root well-known path for a resource with a path.
	ServeRootMetadata bool `json:"serve_root_metadata,omitempty"`
	// ServeAuthorizationServerMetadata also serves the metadata of the first advertised authorization server (RFC 8414), for
	// clients before MCP 2025-06-18. Clients since then must refuse it.
	ServeAuthorizationServerMetadata bool `json:"serve_authorization_server_metadata,omitempty"`
	// CORSOrigins are those whose scripts may read refusals. The metadata is open to all.
	CORSOrigins []string `json:"cors_origins,omitempty"`
	// AllowedOrigins refuses a request with another Origin before its token is read. Not checked when nil.
	AllowedOrigins []string `json:"allowed_origins,omitzero"`
	// Keys says how key sets are kept.
	Keys Keys `json:"keys,omitzero"`
	// TokenCache says how many verified tokens are kept.
	TokenCache TokenCache `json:"token_cache,omitzero"`
	// Events has an audit event of each decision kept until it is drained; none are kept when nil.
	Events *Events `json:"events,omitempty"`
	// HTTP says how key sets and metadata are fetched.
	HTTP HTTP `json:"http,omitzero"`
	// DistrustedKeys answer no token, whatever their issuer publishes.
	DistrustedKeys []DistrustedKey `json:"distrusted_keys,omitempty"`

	// Logger gets one line for each refusal, limited in rate; slog.Default() when nil.
	Logger *slog.Logger `json:"-"`
}

// Seconds is for fields that are nil unless they are set, since 0 means something there.
func Seconds(seconds int) *int { return &seconds }

// Limit is for fields that are nil unless they are set, since 0 means something there.
func Limit(limit int) *int { return &limit }

// Off is for fields that are nil unless they are set, and on then.
func Off() *bool { return new(bool) }

// An AuthorizationServer is one whose tokens are accepted.
type AuthorizationServer struct {
	// Issuer is the accepted iss, compared exactly. Any string when the keys are located by JWKS, JWKSFile, JWKSURI or
	// DiscoveryURL; otherwise a URL: https, or http on a loopback host or one of HTTP.InsecureHosts. Required.
	Issuer string
	// FurtherIssuers are also accepted, and share the keys.
	FurtherIssuers []string
	// Tenants are what {tenant} in the issuer stands for: each tenant's issuer is accepted. It may also stand in
	// DiscoveryURL, MetadataIssuer, AdvertiseAs and JWKSURI.
	Tenants []string
	// Preset stands for a set of the fields below, those that are given here excepted; none when empty.
	Preset Preset
	// DiscoveryURL is where the metadata is; derived from the issuer when empty.
	DiscoveryURL string
	// MetadataIssuer is what the metadata must call itself; the issuer when empty.
	MetadataIssuer string
	// Advertise is how the metadata of the resource names this server: AdvertiseAs or NotAdvertised; MetadataIssuer when
	// nil.
	Advertise Advertisement
	// JWKS is the key set itself: nothing is fetched.
	JWKS json.RawMessage
	// JWKSFile is a file with the key set: nothing is fetched.
	JWKSFile string
	// JWKSURI is where the key set is, in place of discovery.
	JWKSURI string
	// Algorithms are accepted, of RS, PS and ES with 256, 384 and 512 bits, and EdDSA: RS256, PS256, ES256 and EdDSA when
	// nil. None and HMAC do not exist here.
	Algorithms []string
	// TokenFormat is FormatGeneric when empty.
	TokenFormat TokenFormat
	// AdditionalAudiences are further accepted aud values of this issuer only.
	AdditionalAudiences []string
	// UnsafeClientAudience is a claim that stands in for an absent aud.
	UnsafeClientAudience *ClientAudience
	// ScopeClaims are where the scopes may be, the first that is present: scope, scp, scopes, permissions when nil.
	ScopeClaims []ClaimPath
	// ScopePrefix is put before each scope of the token unless it is there.
	ScopePrefix string
	// ClientIDClaims are where the client may be, the first that is present: client_id, azp, appid, cid when nil.
	ClientIDClaims []string
	// RequiredClaims must have this value, or one of these.
	RequiredClaims map[string]any
}

// Issuers are authorization servers of which only the issuer is configured. Their keys are found by discovery.
func Issuers(issuers ...string) []AuthorizationServer {
	servers := make([]AuthorizationServer, len(issuers))
	for i, issuer := range issuers {
		servers[i].Issuer = issuer
	}
	return servers
}

// MarshalJSON is the server as an entry of authorization_servers.
func (s AuthorizationServer) MarshalJSON() ([]byte, error) {
	var issuer any = s.Issuer
	if len(s.FurtherIssuers) > 0 {
		issuer = append([]string{s.Issuer}, s.FurtherIssuers...)
	}
	return json.Marshal(struct {
		Issuer               any             `json:"issuer"`
		Tenants              []string        `json:"tenants,omitzero"`
		Preset               Preset          `json:"preset,omitempty"`
		DiscoveryURL         string          `json:"discovery_url,omitempty"`
		MetadataIssuer       string          `json:"metadata_issuer,omitempty"`
		Advertise            Advertisement   `json:"advertise,omitempty"`
		JWKS                 json.RawMessage `json:"jwks,omitzero"`
		JWKSFile             string          `json:"jwks_file,omitempty"`
		JWKSURI              string          `json:"jwks_uri,omitempty"`
		Algorithms           []string        `json:"algorithms,omitzero"`
		TokenFormat          TokenFormat     `json:"token_format,omitempty"`
		AdditionalAudiences  []string        `json:"additional_audiences,omitzero"`
		UnsafeClientAudience *ClientAudience `json:"unsafe_client_audience,omitempty"`
		ScopeClaims          []ClaimPath     `json:"scope_claims,omitzero"`
		ScopePrefix          string          `json:"scope_prefix,omitempty"`
		ClientIDClaims       []string        `json:"client_id_claims,omitzero"`
		RequiredClaims       map[string]any  `json:"required_claims,omitzero"`
	}{
		issuer, s.Tenants, s.Preset, s.DiscoveryURL, s.MetadataIssuer, s.Advertise, s.JWKS, s.JWKSFile, s.JWKSURI, s.Algorithms, s.TokenFormat,
		s.AdditionalAudiences, s.UnsafeClientAudience, s.ScopeClaims, s.ScopePrefix, s.ClientIDClaims, s.RequiredClaims,
	})
}

// An Advertisement is AdvertiseAs or NotAdvertised.
type Advertisement interface{ advertisement() }

// AdvertiseAs is an identifier by which an authorization server is advertised.
type AdvertiseAs string

// NotAdvertised leaves an authorization server out of the metadata.
const NotAdvertised unadvertised = false

type unadvertised bool

func (AdvertiseAs) advertisement()  {}
func (unadvertised) advertisement() {}

// A TokenFormat says what counts as an access token.
type TokenFormat string

const (
	// FormatGeneric is a JWT with a scope or client claim that is no other kind of token.
	FormatGeneric TokenFormat = "generic"
	// FormatRFC9068 is only what RFC 9068 calls an access token.
	FormatRFC9068 TokenFormat = "rfc9068"
)

// A Preset says by a name what the tokens of an issuer are like: docs/issuers says what each stands for.
type Preset string

// The presets.
const (
	PresetScalekit  Preset = "scalekit"
	PresetEntra     Preset = "entra"
	PresetEntraV1   Preset = "entra_v1"
	PresetCognito   Preset = "cognito"
	PresetOkta      Preset = "okta"
	PresetKeycloak  Preset = "keycloak"
	PresetAuth0     Preset = "auth0"
	PresetWorkOS    Preset = "workos"
	PresetDescope   Preset = "descope"
	PresetAuthentik Preset = "authentik"
	PresetADFS      Preset = "adfs"
)

// A ClientAudience is a claim that stands in for an absent aud.
type ClientAudience struct {
	// Claim is its name.
	Claim string `json:"claim"`
	// Values are accepted.
	Values []string `json:"values"`
}

// A ClaimPath leads to a claim: its name, or the names of the objects that it is in and then its own.
type ClaimPath []string

// A Policy says which scopes each MCP call needs. The rules for its method and for its name are joined. A name in a map
// may end with "*", which stands for the rest, and in Resources for whole segments of the path.
type Policy struct {
	// Default is for calls that no rule names. Required.
	Default Rule `json:"default,omitempty"`
	// Methods has rules by JSON-RPC method.
	Methods map[string]Rule `json:"methods,omitempty"`
	// Tools has rules by the name of the tool.
	Tools map[string]Rule `json:"tools,omitempty"`
	// Resources has rules by the URI of the resource, in the form that URIs are compared in: without query and fragment,
	// scheme and host in lower case, everything beyond ASCII escaped.
	Resources map[string]Rule `json:"resources,omitempty"`
	// Prompts has rules by the name of the prompt.
	Prompts map[string]Rule `json:"prompts,omitempty"`
	// MaxBodyBytes is the largest body that is read, 1 to 1073741824; 4194304 when 0.
	MaxBodyBytes int64 `json:"max_body_bytes,omitempty"`
	// HeadersVerified says that the server behind compares Mcp-Method and Mcp-Name with the body (MCP 2026-07-28 and
	// later), so that they may stand for it. Wrong if set for a server that does not.
	HeadersVerified bool `json:"headers_verified,omitempty"`
}

// A Rule is Need or Deny.
type Rule interface{ rule() }

// Deny is the rule that refuses, whatever the scopes.
const Deny denial = "deny"

// Need is the rule that needs all these scopes, and none beside RequiredScopes when there are none.
func Need(scopes ...string) Rule {
	return need(append([]string{}, scopes...))
}

// RuleOf is a rule as it came in somebody's JSON: a list of scopes, or "deny". It is checked where it is used; with nil there
// is no rule.
func RuleOf(value any) Rule {
	if value == nil {
		return nil
	}
	return written{value}
}

type denial string

type need []string

type written struct{ value any }

// MarshalJSON is the value as it came.
func (w written) MarshalJSON() ([]byte, error) { return json.Marshal(w.value) }

func (written) rule() {}
func (denial) rule()  {}
func (need) rule()    {}

// ChallengeScopes says which scopes a 403 lists.
type ChallengeScopes string

const (
	// ChallengeRequiredAndGranted lists the need of the request, then the granted scopes that the configuration knows:
	// clients before 2026 replace their scopes by the challenge's.
	ChallengeRequiredAndGranted ChallengeScopes = "required_and_granted"
	// ChallengeRequired lists the need of the request alone.
	ChallengeRequired ChallengeScopes = "required"
)

// RefusalBody says which form the body of a 403 has.
type RefusalBody string

const (
	// RefusalBodyAuto is a JSON-RPC error for a POST whose id is known, the OAuth form otherwise.
	RefusalBodyAuto RefusalBody = "auto"
	// RefusalBodyOAuth is the OAuth form always.
	RefusalBodyOAuth RefusalBody = "oauth"
)

// Keys says how key sets are kept.
type Keys struct {
	// DefaultTTLSeconds is for key sets that come without max-age, 300 to 3600; 600 when 0.
	DefaultTTLSeconds int `json:"default_ttl_seconds,omitempty"`
	// MaxStaleSeconds is how long keys are used when no new ones are to be had, 0 or 60 to 604800; nil is 86400. Seconds
	// makes one.
	MaxStaleSeconds *int `json:"max_stale_seconds,omitempty"`
	// UnknownKeyIntervalSeconds is the time between two fetches because of unknown keys, 5 to 3600; 30 when 0.
	UnknownKeyIntervalSeconds int `json:"unknown_key_interval_seconds,omitempty"`
	// MaxWaiters is how many requests may wait for the keys of one issuer, 1 to 100000; 64 when 0.
	MaxWaiters int `json:"max_waiters,omitempty"`
	// BackgroundRefresh fetches keys when they are due, without a request that waits; on when nil. Off is for hosts that
	// freeze between requests: the request that finds keys due fetches them, waits 2 seconds at the longest, and else uses
	// what is held.
	BackgroundRefresh *bool `json:"background_refresh,omitempty"`
	// Snapshot has keys to begin with, as ExportKeys wrote them. They go on ageing meanwhile. Whoever can change it can
	// make tokens.
	Snapshot json.RawMessage `json:"snapshot,omitzero"`
	// RSAMaxBits is the largest RSA modulus, 2048 to 8192; 4096 when 0.
	RSAMaxBits int `json:"rsa_max_bits,omitempty"`
}

// TokenCache says how many verified tokens are kept, so that the same token need not be verified for each request. All that
// can change is judged each time. 0 for either field turns it off.
type TokenCache struct {
	// Capacity is how many tokens, 0 to 1000000; nil is 10000. Limit makes one.
	Capacity *int `json:"capacity,omitempty"`
	// MaxBytes is how much memory they may take, 0 or 65536 to 17179869184; nil is 67108864.
	MaxBytes *int `json:"max_bytes,omitempty"`
}

// Events says how many audit events are kept.
type Events struct {
	// Capacity is how many, 1 to 1000000; 8192 when 0.
	Capacity int `json:"capacity,omitempty"`
}

// HTTP says how key sets and metadata are fetched.
type HTTP struct {
	// TimeoutSeconds is the time for one fetch, from the name look-up to the last byte, 1 to 30; 5 when 0.
	TimeoutSeconds int `json:"timeout_seconds,omitempty"`
	// CAFile is a file with certificates to trust beside the platform's.
	CAFile string `json:"ca_file,omitempty"`
	// CAPEM is the same as PEM text.
	CAPEM string `json:"ca_pem,omitempty"`
	// Proxy is used in place of the environment's.
	Proxy string `json:"proxy,omitempty"`
	// UserAgent is the User-Agent of the requests.
	UserAgent string `json:"user_agent,omitempty"`
	// AllowPrivateAddresses lets a discovered key location be on a private network.
	AllowPrivateAddresses bool `json:"allow_private_addresses,omitempty"`
	// InsecureHosts are exact host names that may be asked over plain http.
	InsecureHosts []string `json:"insecure_hosts,omitempty"`
	// ClientCertificate is shown to key servers that ask for one.
	ClientCertificate *ClientCertificate `json:"client_certificate,omitempty"`
}

// A ClientCertificate is a certificate for TLS with its private key, each in a file or as text.
type ClientCertificate struct {
	// CertificateFile is a PEM file with the certificate, then those that lead to its CA.
	CertificateFile string `json:"certificate_file,omitempty"`
	// CertificatePEM is the same as text.
	CertificatePEM string `json:"certificate_pem,omitempty"`
	// KeyFile is a PEM file with the private key, without a passphrase. Needless where the certificate's has it too.
	KeyFile string `json:"key_file,omitempty"`
	// KeyPEM is the same as text.
	KeyPEM string `json:"key_pem,omitempty"`
}

// A DistrustedKey is every key that an issuer publishes under a kid.
type DistrustedKey struct {
	// Issuer is one of the issuers of AuthorizationServers.
	Issuer string `json:"issuer"`
	// KeyID is the kid, 1 to 256 bytes.
	KeyID string `json:"kid"`
}
