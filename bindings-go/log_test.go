package scopegate_test

import (
	"bytes"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	scopegate "github.com/scopegate/scopegate/bindings-go"
	"github.com/scopegate/scopegate/bindings-go/scopegatetest"
)

func TestRefusalWritesOneLineThatSaysWhatToDo(t *testing.T) {
	issuer, gate, log := newLoggingPair(t)
	_, _ = gate.Authorize(t.Context(), authorized(issuer, scopegatetest.Claims{"expires_in": -time.Hour}))
	for _, part := range []string{"level=WARN", "401", "expired", "code=5005", "detail=", "docs/reasons.md#expired"} {
		if !strings.Contains(log.String(), part) {
			t.Errorf("%s: not in %q", part, log)
		}
	}
	if strings.Count(log.String(), "\n") != 1 {
		t.Errorf("found %q", log)
	}
}

func TestLevelTellsWhoMustAct(t *testing.T) {
	_, gate, log := newLoggingPair(t)
	_, _ = gate.Authorize(t.Context(), scopegate.Request{})
	_, _ = gate.Authorize(t.Context(), scopegate.Request{Scopes: []string{"not a scope"}})
	lines := strings.Split(log.String(), "\n")
	if len(lines) != 3 || !strings.Contains(lines[0], "level=INFO") || !strings.Contains(lines[1], "level=ERROR") {
		t.Errorf("found %q", lines)
	}
}

// T55 (tests/attacks.md)
func TestLineHoldsNoByteOfTheTokenAndNoClaim(t *testing.T) {
	issuer, gate, log := newLoggingPair(t)
	tokens := []string{
		issuer.Mint(scopegatetest.Claims{"sub": "canary", "client_id": "canary", "aud": "https://canary.test"}),
		issuer.Mint(scopegatetest.Claims{"iss": "https://canary.test"}),
		issuer.Mint(scopegatetest.Claims{"scope": "canary"}) + "AAAA",
	}
	for _, token := range tokens {
		if _, err := gate.Authorize(t.Context(), scopegate.Request{Authorization: []string{"Bearer " + token}}); err == nil {
			t.Error("not refused")
		}
	}
	if strings.Count(log.String(), "\n") != len(tokens) || strings.Contains(log.String(), "canary") {
		t.Errorf("found %q", log)
	}
	for _, token := range tokens {
		for part := range strings.SplitSeq(token, ".") {
			if strings.Contains(log.String(), part[:12]) {
				t.Errorf("found %q in %q", part[:12], log)
			}
		}
	}
}

func TestLinesOfOneReasonAreLimited(t *testing.T) {
	issuer, gate, log := newLoggingPair(t)
	for range 100 {
		_, _ = gate.Authorize(t.Context(), scopegate.Request{})
	}
	// At least one second's lines; a run that takes several seconds has as many more.
	if lines := strings.Count(log.String(), "\n"); lines < 5 || lines > 50 {
		t.Errorf("%d lines", lines)
	}
	_, _ = gate.Authorize(t.Context(), authorized(issuer, scopegatetest.Claims{"expires_in": -time.Hour}))
	if !strings.Contains(log.String(), "expired") {
		t.Error("another reason was limited too")
	}
}

func TestWarningsOfTheConfigurationAreLogged(t *testing.T) {
	var log bytes.Buffer
	gate, err := scopegate.New(scopegate.Config{
		Resource: resource + "/", AuthorizationServers: scopegate.Issuers("https://as.test"),
		Logger: slog.New(slog.NewTextHandler(&log, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	gate.Close()
	if !strings.Contains(log.String(), "level=WARN") || !strings.Contains(log.String(), "resource") {
		t.Errorf("found %q", &log)
	}
}

func TestEveryReasonHasTheSectionThatTheLineNames(t *testing.T) {
	reasons, err := os.ReadFile("reason.go")
	if err != nil {
		t.Fatal(err)
	}
	sections, err := os.ReadFile("../docs/reasons.md")
	if err != nil {
		t.Fatal(err)
	}
	names := 0
	for line := range strings.SplitSeq(string(reasons), "\n") {
		if _, value, found := strings.Cut(line, ` Reason = "`); found {
			names++
			if name := strings.TrimSuffix(value, `"`); !strings.Contains(string(sections), "## "+name+"\n") {
				t.Errorf("%s: no section", name)
			}
		}
	}
	if names == 0 {
		t.Error("no reasons found")
	}
}

func newLoggingPair(t *testing.T) (*scopegatetest.Issuer, *scopegate.ResourceServer, *bytes.Buffer) {
	t.Helper()
	log := new(bytes.Buffer)
	issuer, gate := newPair(t, scopegate.Config{Logger: slog.New(slog.NewTextHandler(log, nil))})
	return issuer, gate, log
}
