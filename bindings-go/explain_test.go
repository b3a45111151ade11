package scopegate_test

import (
	"encoding/json"
	"strings"
	"testing"

	scopegate "github.com/scopegate/scopegate/bindings-go"
	"github.com/scopegate/scopegate/bindings-go/scopegatetest"
)

func TestRefusalIsExplainedCheckByCheck(t *testing.T) {
	issuer := scopegatetest.NewIssuer("https://mcp.test/mcp")
	gate, err := scopegate.New(scopegate.Config{
		Resource:             "https://mcp.test/mcp",
		AuthorizationServers: []scopegate.AuthorizationServer{issuer.Server()},
	})
	if err != nil {
		t.Fatal(err)
	}
	wrong := issuer.Authorization(scopegatetest.Claims{"aud": "https://other.test/mcp"})
	request := scopegate.Request{Method: "GET", Target: "/mcp", Authorization: []string{wrong}}
	explained := gate.Explain(request)
	if explained.Outcome != "refused" || explained.Reason != scopegate.ReasonWrongAudience || explained.Status == 0 {
		t.Errorf("%+v", explained)
	}
	var failed []scopegate.ExplainedCheck
	for _, check := range explained.Checks {
		if check.Outcome == "failed" {
			failed = append(failed, check)
		}
	}
	if len(failed) != 1 || failed[0].Check != "audience" || failed[0].Found != `"https://other.test/mcp"` {
		t.Errorf("%+v", failed)
	}
	if text := explained.String(); !strings.HasPrefix(text, "Refused: wrong_audience") {
		t.Error(text)
	}
	document, err := json.Marshal(explained)
	if err != nil || !strings.HasPrefix(string(document), `{"outcome":"refused","reason":"wrong_audience"`) {
		t.Errorf("%s %v", document, err)
	}
	gate.Close()
	if closed := gate.Explain(request); closed.Reason != scopegate.ReasonInternal || !strings.Contains(closed.String(), "internal") {
		t.Errorf("%+v", closed)
	}
}
