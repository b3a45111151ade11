// Package scopegatetest has an issuer in memory, for the tests of a server: no network, no account.
package scopegatetest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"sync"
	"time"

	scopegate "github.com/scopegate/scopegate/bindings-go"
)

// Claims are the claims of a token, by name. See Issuer.Mint.
type Claims map[string]any

// An Issuer is an authorization server in memory, which signs whatever it is asked to with ES256. Its keys are made anew
// for each Issuer and protect nothing.
type Issuer struct {
	resource string

	mu     sync.Mutex
	number int
	key    *ecdsa.PrivateKey
}

const (
	issuer   = "https://issuer.test"
	lifetime = 300 * time.Second
)

// NewIssuer makes an issuer whose tokens are for resource, unless they say otherwise. It panics when the system has no
// random numbers.
func NewIssuer(resource string) *Issuer {
	made := &Issuer{resource: resource}
	made.Rotate()
	return made
}

// Issuer is the iss of its tokens.
func (i *Issuer) Issuer() string { return issuer }

// Server is an entry for AuthorizationServers with the present key and the format rfc9068. A gate that was made from it
// does not see a later Rotate.
func (i *Issuer) Server() scopegate.AuthorizationServer {
	i.mu.Lock()
	defer i.mu.Unlock()
	point := must(i.key.PublicKey.Bytes()) // uncompressed: 4, x, y
	keys := map[string]any{"keys": []any{map[string]any{
		"kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": i.kid(),
		"x": encode(point[1:33]), "y": encode(point[33:]),
	}}}
	return scopegate.AuthorizationServer{
		Issuer:      issuer,
		JWKS:        must(json.Marshal(keys)),
		TokenFormat: scopegate.FormatRFC9068,
	}
}

// Mint is a signed token. Each claim that RFC 9068 requires has a default: sub "user", client_id "client", aud the
// resource, exp 300 s after iat. Claims replace them, and nil leaves one out; "scope" is a string with single blanks.
// "expires_in" is no claim but the time from now to exp, which may be negative: a time.Duration, or an int in seconds.
//
// It panics for claims that are no JSON.
func (i *Issuer) Mint(claims Claims) string {
	now := time.Now()
	merged := map[string]any{
		"iss": issuer, "aud": i.resource, "sub": "user", "client_id": "client", "iat": now.Unix(), "jti": rand.Text(),
		"exp": now.Add(lifetime).Unix(),
	}
	for name, value := range claims {
		if name == "expires_in" {
			merged["exp"] = now.Add(duration(value)).Unix()
		} else {
			merged[name] = value
		}
	}
	maps.DeleteFunc(merged, func(_ string, value any) bool { return value == nil })
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.sign(merged)
}

// Authorization is the value of an Authorization header with a token as Mint makes it.
func (i *Issuer) Authorization(claims Claims) string { return "Bearer " + i.Mint(claims) }

// Header is a request header with a token as Mint makes it.
func (i *Issuer) Header(claims Claims) http.Header {
	return http.Header{"Authorization": {i.Authorization(claims)}}
}

// Rotate makes it sign with a new key from now on. Gates that were made before know only the old one.
func (i *Issuer) Rotate() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.number++
	i.key = must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
}

func (i *Issuer) kid() string { return fmt.Sprintf("test-key-%d", i.number) }

func (i *Issuer) sign(claims map[string]any) string {
	header := map[string]any{"alg": "ES256", "typ": "at+jwt", "kid": i.kid()}
	input := encode(must(json.Marshal(header))) + "." + encode(must(json.Marshal(claims)))
	digest := sha256.Sum256([]byte(input))
	r, s, err := ecdsa.Sign(rand.Reader, i.key, digest[:])
	must(0, err)
	signature := make([]byte, 64) // RFC 7518 section 3.4
	r.FillBytes(signature[:32])
	s.FillBytes(signature[32:])
	return input + "." + encode(signature)
}

func duration(value any) time.Duration {
	switch value := value.(type) {
	case time.Duration:
		return value
	case int:
		return time.Duration(value) * time.Second
	}
	panic(fmt.Sprintf("scopegatetest: expires_in: expected a time.Duration or an int, not %T", value))
}

func encode(data []byte) string { return base64.RawURLEncoding.EncodeToString(data) }

func must[T any](value T, err error) T {
	if err != nil {
		panic("scopegatetest: " + err.Error())
	}
	return value
}
