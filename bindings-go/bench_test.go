package scopegate_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"runtime"
	"testing"
	"time"

	scopegate "github.com/scopegate/scopegate/bindings-go"
)

// One call into the library and back, with the copy of a short string.
func BenchmarkCrossing(b *testing.B) {
	for b.Loop() {
		scopegate.Version()
	}
}

func BenchmarkAuthorize(b *testing.B) {
	sample := readSample(b)
	gate, request := sample.gate(b), sample.request(sample.Authorization)
	for b.Loop() {
		if _, err := gate.Authorize(context.Background(), request); err != nil {
			b.Fatal(err)
		}
	}
}

// On two threads at once, each with half of the calls.
func BenchmarkAuthorize_Two_Threads(b *testing.B) {
	sample := readSample(b)
	gate := sample.gate(b)
	usual := runtime.GOMAXPROCS(2)
	defer runtime.GOMAXPROCS(usual)
	b.RunParallel(func(each *testing.PB) {
		request := sample.request(sample.Authorization)
		for each.Next() {
			if _, err := gate.Authorize(context.Background(), request); err != nil {
				b.Error(err)
			}
		}
	})
}

// The same token again and again, with as many kept as usual.
func BenchmarkSeen_Before(b *testing.B) {
	sample := readSample(b)
	sample.keepTokens(b)
	gate, request := sample.gate(b), sample.request(sample.Authorization)
	for b.Loop() {
		if _, err := gate.Authorize(context.Background(), request); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRefused(b *testing.B) {
	sample := readSample(b)
	gate, request := sample.gate(b), sample.request(sample.Refused)
	for b.Loop() {
		if _, err := gate.Authorize(context.Background(), request); err == nil {
			b.Fatal("not refused")
		}
	}
}

// A sample is what scopegate-bench prints: a configuration, a token that it accepts, and one of another issuer.
type sample struct {
	Config        json.RawMessage `json:"config"`
	Authorization string          `json:"authorization"`
	Refused       string          `json:"refused"`
	Now           int64           `json:"now"`
}

func readSample(b *testing.B) sample {
	b.Helper()
	var found sample
	text, err := os.ReadFile(os.Getenv("SCOPEGATE_SAMPLE"))
	if err == nil {
		err = json.Unmarshal(text, &found)
	}
	if err != nil {
		b.Fatalf("SCOPEGATE_SAMPLE: expected a file with what scopegate-bench prints: %v", err)
	}
	return found
}

// keepTokens takes out of the configuration that no verified tokens are kept.
func (s *sample) keepTokens(b *testing.B) {
	b.Helper()
	var members map[string]json.RawMessage
	err := json.Unmarshal(s.Config, &members)
	if err == nil {
		delete(members, "token_cache")
		s.Config, err = json.Marshal(members)
	}
	if err != nil {
		b.Fatal(err)
	}
}

func (s sample) gate(b *testing.B) *scopegate.ResourceServer {
	b.Helper()
	usual := slog.Default()
	slog.SetDefault(discard)
	b.Cleanup(func() { slog.SetDefault(usual) })
	gate, err := scopegate.FromJSON(s.Config)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(gate.Close)
	return gate
}

func (s sample) request(authorization string) scopegate.Request {
	return scopegate.Request{
		Method: "POST", Target: "/mcp", Authorization: []string{authorization}, Body: []byte{}, Now: time.Unix(s.Now, 0),
	}
}
