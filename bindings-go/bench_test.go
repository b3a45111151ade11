package scopegate_test

import (
	"context"
	"testing"

	scopegate "github.com/scopegate/scopegate/bindings-go"
	"github.com/scopegate/scopegate/bindings-go/scopegatetest"
)

// One call into the library and back, with the copy of a short string.
func BenchmarkCrossing(b *testing.B) {
	for b.Loop() {
		scopegate.Version()
	}
}

func BenchmarkGoodToken(b *testing.B) {
	issuer, gate := newPair(b, scopegate.Config{})
	request := authorized(issuer, scopegatetest.Claims{"scope": "mcp:tools:weather mcp:tools:calendar"})
	for b.Loop() {
		if _, err := gate.Authorize(context.Background(), request); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRefusedBeforeTheSignature(b *testing.B) {
	issuer, gate := newPair(b, scopegate.Config{Logger: discard})
	request := authorized(issuer, scopegatetest.Claims{"iss": "https://other.test"})
	for b.Loop() {
		if _, err := gate.Authorize(context.Background(), request); err == nil {
			b.Fatal("not refused")
		}
	}
}
