package mcpgate_test

import (
	"bytes"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/scopegate/scopegate/bindings-go/scopegatetest"
)

func TestExampleRunsAsItStands(t *testing.T) {
	address := freeAddress(t)
	server := "http://" + address + "/mcp"
	issuer := scopegatetest.NewIssuer(server)
	origin := authorizationServer(t, issuer)
	startExample(t, address, origin)

	world := &world{url: server}
	claims := scopegatetest.Claims{"iss": origin, "sub": "alice", "scope": "mcp:tools:weather"}
	session := world.connect(t, issuer.Authorization(claims))
	result, err := session.CallTool(t.Context(), &mcp.CallToolParams{
		Name: "weather", Arguments: map[string]any{"city": "Paris"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if text := asJSON(t, result.Content); !strings.Contains(text, "Sunny in Paris, alice") {
		t.Errorf("found %s", text)
	}
	if _, err := call(t, session, "drop_table"); err == nil || world.last.status != http.StatusForbidden {
		t.Errorf("found %v, %+v", err, world.last)
	}
	world.authorization = issuer.Authorization(scopegatetest.Claims{"iss": origin, "sub": "alice", "scope": "other"})
	if tools, err := session.ListTools(t.Context(), nil); err != nil || len(tools.Tools) != 0 {
		t.Errorf("found %+v, %v", tools, err)
	}
}

func TestExampleIsTheProgramThatUsersWantToWrite(t *testing.T) {
	wanted, err := os.ReadFile(filepath.Join("..", "..", "..", "shared", "programs", "main.go"))
	if os.IsNotExist(err) {
		t.Skip("only where the programs are")
	}
	if copied, err := os.ReadFile(filepath.Join("examples", "main.go")); err != nil || !bytes.Equal(copied, wanted) {
		t.Errorf("examples/main.go differs: %v", err)
	}
}

// startExample builds examples/main.go in a module of its own and runs it until the test ends.
func startExample(t *testing.T, address, issuer string) {
	t.Helper()
	program := filepath.Join(t.TempDir(), "example")
	source, err := os.ReadFile(filepath.Join("examples", "main.go"))
	if err != nil {
		t.Fatal(err)
	}
	goTool(t, freshModule(t, "main.go", string(source)), "build", "-o", program, ".")
	start(t, program, address,
		"ISSUER="+issuer, "RESOURCE=http://"+address+"/mcp", "PORT="+address[strings.LastIndex(address, ":")+1:])
}

// start runs a server until the test ends.
func start(t *testing.T, program, address string, environment ...string) {
	t.Helper()
	var log bytes.Buffer
	command := exec.Command(program)
	command.Env = append(os.Environ(), environment...)
	command.Stdout, command.Stderr = &log, &log
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- command.Wait() }()
	t.Cleanup(func() {
		_ = command.Process.Kill()
		<-ended
	})
	for {
		connection, err := net.Dial("tcp", address)
		if err == nil {
			_ = connection.Close()
			return
		}
		select {
		case err := <-ended:
			ended <- err
			t.Fatalf("the server ended: %v\n%s", err, &log)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// authorizationServer publishes the issuer's keys, and gives its origin.
func authorizationServer(t *testing.T, issuer *scopegatetest.Issuer) string {
	t.Helper()
	routes := http.NewServeMux()
	server := httptest.NewServer(routes)
	t.Cleanup(server.Close)
	document := asJSON(t, map[string]string{"issuer": server.URL, "jwks_uri": server.URL + "/keys"})
	for path, text := range map[string]string{
		"/.well-known/oauth-authorization-server": document,
		"/keys": string(issuer.Server().JWKS),
	} {
		routes.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write([]byte(text))
		})
	}
	return server.URL
}

func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}
