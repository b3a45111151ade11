package main

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"strings"

	"github.com/MicahParks/keyfunc/v3"
	"github.com/golang-jwt/jwt/v5"
	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jwk"
	jwxjwt "github.com/lestrrat-go/jwx/v3/jwt"
	scopegate "github.com/scopegate/scopegate/bindings-go"
)

// A check takes an Authorization value and says whether it is good and of the sample's subject.
type check func(authorization string) bool

type contender struct {
	name string
	// ours, rival or piece.
	kind string
	// For an algorithm.
	make func(sample *sample, algorithm string) (check, error)
}

var contenders = []contender{
	{"Scopegate", "ours", func(s *sample, algorithm string) (check, error) { return gate(s, algorithm, true) }},
	{"Scopegate, cache off", "ours", func(s *sample, algorithm string) (check, error) { return gate(s, algorithm, false) }},
	{"golang-jwt, keyfunc", "rival", golangJWT},
	{"lestrrat-go/jwx", "rival", jwx},
	{"signature alone, Go's crypto", "piece", signature},
	{"crossing", "piece", func(*sample, string) (check, error) {
		return func(string) bool { return scopegate.Version() != "" }, nil
	}},
}

func gate(sample *sample, algorithm string, keep bool) (check, error) {
	gate, err := scopegate.FromJSON(sample.configuration(algorithm, keep))
	if err != nil {
		return nil, err
	}
	return func(authorization string) bool {
		token, err := gate.Authorize(context.Background(), scopegate.Request{
			Method: "POST", Target: "/mcp", Authorization: []string{authorization},
		})
		return err == nil && token.Subject == sample.Subject
	}, nil
}

func golangJWT(sample *sample, algorithm string) (check, error) {
	keys, err := keyfunc.NewJWKSetJSON(sample.JWKS)
	if err != nil {
		return nil, err
	}
	parser := jwt.NewParser(
		jwt.WithValidMethods([]string{algorithm}), jwt.WithIssuer(sample.Issuer), jwt.WithAudience(sample.Audience),
		jwt.WithExpirationRequired(),
	)
	type claims struct {
		jwt.RegisteredClaims
		Scope string `json:"scope"`
	}
	return func(authorization string) bool {
		var found claims
		_, err := parser.ParseWithClaims(bearer(authorization), &found, keys.Keyfunc)
		return err == nil && found.Subject == sample.Subject
	}, nil
}

func jwx(sample *sample, algorithm string) (check, error) {
	parsed, err := jwk.ParseKey(sample.Algorithms[algorithm].JWK)
	if err != nil {
		return nil, err
	}
	var raw any // parsed once; with a JWK it would be made of it for each token
	if err := jwk.Export(parsed, &raw); err != nil {
		return nil, err
	}
	pinned, _ := jwa.LookupSignatureAlgorithm(algorithm)
	options := []jwxjwt.ParseOption{
		jwxjwt.WithKey(pinned, raw), jwxjwt.WithIssuer(sample.Issuer), jwxjwt.WithAudience(sample.Audience),
		jwxjwt.WithRequiredClaim("exp"),
	}
	return func(authorization string) bool {
		token, err := jwxjwt.ParseString(bearer(authorization), options...)
		if err != nil {
			return false
		}
		subject, _ := token.Subject()
		return subject == sample.Subject
	}, nil
}

// What the libraries above verify with, and so their floor; message and signature are at hand for the good token.
func signature(sample *sample, algorithm string) (check, error) {
	block, _ := pem.Decode([]byte(sample.Algorithms[algorithm].PEM))
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, err
	}
	good := "Bearer " + sample.Algorithms[algorithm].Forms["at+jwt"].Good
	message, signed := parts(good)
	return func(authorization string) bool {
		if authorization == good {
			return verifies(key, algorithm, message, signed)
		}
		message, signed := parts(authorization)
		return verifies(key, algorithm, message, signed)
	}, nil
}

func parts(authorization string) (message, signed []byte) {
	end := strings.LastIndexByte(authorization, '.')
	signed, _ = base64.RawURLEncoding.DecodeString(authorization[end+1:])
	return []byte(bearer(authorization[:end])), signed
}

func verifies(key any, algorithm string, message, signed []byte) bool {
	digest := sha256.Sum256(message)
	switch key := key.(type) {
	case *ecdsa.PublicKey:
		r, s := new(big.Int).SetBytes(signed[:32]), new(big.Int).SetBytes(signed[32:])
		return ecdsa.Verify(key, digest[:], r, s)
	case ed25519.PublicKey:
		return ed25519.Verify(key, message, signed)
	case *rsa.PublicKey:
		if algorithm == "PS256" {
			return rsa.VerifyPSS(key, crypto.SHA256, digest[:], signed, nil) == nil
		}
		return rsa.VerifyPKCS1v15(key, crypto.SHA256, digest[:], signed) == nil
	}
	return false
}

func bearer(authorization string) string { return strings.TrimPrefix(authorization, "Bearer ") }

// The configuration of Scopegate, the same in every language.
func (s *sample) configuration(algorithm string, keep bool) []byte {
	configuration := map[string]any{
		"resource": s.Audience,
		"authorization_servers": []any{map[string]any{
			"issuer": s.Issuer, "jwks": s.JWKS, "algorithms": []string{algorithm}, "token_format": "rfc9068",
		}},
		"required_scopes": []string{s.Scope},
	}
	capacity := 0
	if keep {
		capacity = 100
	}
	configuration["token_cache"] = map[string]any{"capacity": capacity}
	text, err := json.Marshal(configuration)
	if err != nil {
		panic(err)
	}
	return text
}
