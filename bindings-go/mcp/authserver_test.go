package mcpgate_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

func TestExampleServesTokensOfTheAuthorizationServer(t *testing.T) {
	address := freeAddress(t)
	server := "http://" + address + "/mcp"
	issuer := startAuthorizationServer(t, server)
	startExample(t, address, issuer)

	world := &world{url: server}
	session := world.connect(t, tokenFor(t, issuer, "mcp:tools:weather"))
	paris := &mcp.CallToolParams{Name: "weather", Arguments: map[string]any{"city": "Paris"}}
	result, err := session.CallTool(t.Context(), paris)
	if err != nil {
		t.Fatal(err)
	}
	if text := asJSON(t, result.Content); !strings.Contains(text, "Sunny in Paris, assistant") {
		t.Errorf("found %s", text)
	}
	world.authorization = tokenFor(t, issuer, "mcp:tools:calendar")
	if _, err := session.CallTool(t.Context(), paris); err == nil || world.last.status != http.StatusForbidden {
		t.Errorf("found %v, %+v", err, world.last)
	}
	administer(t, issuer, "rotate", `{"overlap": false}`)
	world.authorization = tokenFor(t, issuer, "mcp:tools:weather")
	if _, err := session.CallTool(t.Context(), paris); err != nil {
		t.Errorf("after a rotation: %v", err)
	}
}

func TestOutageOfTheAuthorizationServerIs503(t *testing.T) {
	address := freeAddress(t)
	server := "http://" + address + "/mcp"
	issuer := startAuthorizationServer(t, server)
	startExample(t, address, issuer)
	authorization := tokenFor(t, issuer, "mcp:tools:weather")
	administer(t, issuer, "keys", `{"available": false}`)

	answer := send(t, http.MethodPost, server, authorization, "{}")
	if answer.StatusCode != http.StatusServiceUnavailable || answer.Header.Get("Retry-After") == "" ||
		answer.Header.Get("WWW-Authenticate") != "" {
		t.Errorf("found %d %v", answer.StatusCode, answer.Header)
	}
}

// startAuthorizationServer runs scopegate-authserver with an issuer for the resource until the test ends, and gives
// that issuer.
func startAuthorizationServer(t *testing.T, resource string) string {
	t.Helper()
	program := os.Getenv("SCOPEGATE_AUTHSERVER")
	if program == "" {
		t.Fatal("SCOPEGATE_AUTHSERVER: expected the path of scopegate-authserver")
	}
	config := filepath.Join(t.TempDir(), "authserver.json")
	if err := os.WriteFile(config, fmt.Appendf(nil, authorizationServerConfig, resource), 0o600); err != nil {
		t.Fatal(err)
	}
	command := exec.Command(program, "--exit-with-stdin", config)
	input, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	output, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = input.Close()
		_ = command.Wait()
	})
	var ready struct{ Issuers map[string]string }
	line, err := bufio.NewReader(output).ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &ready)
	}
	if err != nil {
		t.Fatal(err)
	}
	return ready.Issuers["weather"]
}

const authorizationServerConfig = `{
	"listen": "127.0.0.1:0",
	"admin_secret": "test-only-admin-secret",
	"resources": [{
		"id": "weather", "name": "Weather", "resource": %q, "algorithm": "ES256",
		"scopes": ["mcp:tools:weather", "mcp:tools:calendar"]
	}],
	"clients": [{
		"id": "assistant", "secret": "test-only-assistant-secret",
		"grants": [{
			"resource": "weather", "scopes": ["mcp:tools:weather", "mcp:tools:calendar"],
			"default_scopes": ["mcp:tools:weather"]
		}]
	}]
}`

// tokenFor is the value of an Authorization line with a token of this scope.
func tokenFor(t *testing.T, issuer, scope string) string {
	t.Helper()
	form := url.Values{"grant_type": {"client_credentials"}, "scope": {scope}}
	request, err := http.NewRequest(http.MethodPost, issuer+"/token", strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.SetBasicAuth("assistant", "test-only-assistant-secret")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var granted struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.NewDecoder(answer.Body).Decode(&granted); err != nil || granted.AccessToken == "" {
		t.Fatalf("no token: %d, %v", answer.StatusCode, err)
	}
	return "Bearer " + granted.AccessToken
}

// administer changes what the authorization server does.
func administer(t *testing.T, issuer, what, change string) {
	t.Helper()
	answer := send(t, http.MethodPost, issuer+"/admin/"+what, "Bearer test-only-admin-secret", change)
	if answer.StatusCode != http.StatusOK {
		t.Fatalf("%s: %d", what, answer.StatusCode)
	}
}

func send(t *testing.T, method, url, authorization, body string) *http.Response {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", authorization)
	request.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	return answer
}
