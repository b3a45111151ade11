package mcpgate_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/scopegate/scopegate/bindings-go/scopegatetest"
)

// Each page of the documentation that shows Go, with how many programs; every one of them is run below.
var programsOfPages = map[string]int{
	"README.md": 1, "docs/go.md": 1, "docs/frameworks/go-sdk.md": 2, "docs/frameworks/go-net-http.md": 2,
}

func TestNoDocumentedProgramIsLeftOut(t *testing.T) {
	var counts struct{ Go int }
	file, err := os.ReadFile("../../tests/docs/blocks.json")
	if err != nil || json.Unmarshal(file, &counts) != nil {
		t.Fatal(err)
	}
	all := 0
	for page, expected := range programsOfPages {
		if found := len(blocks(t, page, "go")); found != expected {
			t.Errorf("%s: %d programs", page, found)
		}
		all += expected
	}
	if all != counts.Go {
		t.Errorf("%d of %d programs are run", all, counts.Go)
	}
}

func TestDocumentedServersOfTheSDKAreTheExample(t *testing.T) {
	example, err := os.ReadFile(filepath.Join("examples", "main.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range []string{"docs/frameworks/go-sdk.md", "README.md"} {
		if _, code, found := strings.Cut(string(example), "\n"); !found || code != blocks(t, page, "go")[0] {
			t.Errorf("%s and examples/main.go differ", page)
		}
	}
}

func TestDocumentedServerThatDeclaresLetsInWhomItSays(t *testing.T) {
	address := freeAddress(t)
	server := "http://" + address + "/mcp"
	issuer := scopegatetest.NewIssuer(server)
	origin := authorizationServer(t, issuer)
	program := filepath.Join(t.TempDir(), "server")
	goTool(t, freshModule(t, "main.go", blocks(t, "docs/frameworks/go-sdk.md", "go")[1]), "build", "-o", program, ".")
	start(t, program, address, "ISSUER="+origin, "RESOURCE="+server, "PORT="+address[strings.LastIndex(address, ":")+1:])
	world := &world{url: server}
	claims := scopegatetest.Claims{"iss": origin, "sub": "alice", "scope": "mail:send"}
	session := world.connect(t, issuer.Authorization(claims))
	send := func(to string) error {
		_, err := session.CallTool(t.Context(), &mcp.CallToolParams{Name: "send_email", Arguments: map[string]any{"to": to}})
		return err
	}
	if err := send("bob@example.com"); err != nil {
		t.Error(err)
	}
	if tools, err := session.ListTools(t.Context(), nil); err != nil || len(tools.Tools) != 1 {
		t.Errorf("found %+v, %v", tools, err)
	}
	if err := send("bob@elsewhere.test"); err == nil || world.last.status != http.StatusForbidden {
		t.Errorf("found %v, %+v", err, world.last)
	}
	if challenge := world.last.header.Get("WWW-Authenticate"); !strings.Contains(challenge, `scope="mail:send mail:outside"`) {
		t.Errorf("found %s", challenge)
	}
	claims["scope"] = "mail:outside"
	world.authorization = issuer.Authorization(claims)
	if err := send("bob@example.com"); err == nil {
		t.Error("it was sent without the declared scope")
	}
}

func TestDocumentedServerAnswersAsItSays(t *testing.T) {
	address := freeAddress(t)
	server := "http://" + address
	issuer := scopegatetest.NewIssuer(server)
	origin := authorizationServer(t, issuer)
	program := filepath.Join(t.TempDir(), "server")
	goTool(t, freshModule(t, "main.go", blocks(t, "docs/frameworks/go-net-http.md", "go")[0]), "build", "-o", program, ".")
	start(t, program, address, "ISSUER="+origin, "RESOURCE="+server, "PORT="+address[strings.LastIndex(address, ":")+1:])
	reader := issuer.Header(scopegatetest.Claims{"iss": origin, "sub": "alice", "scope": "reports:read"})
	deleter := issuer.Header(scopegatetest.Claims{"iss": origin, "scope": "reports:read reports:delete"})
	for _, step := range []struct {
		method, path string
		header       http.Header
		found        string
	}{
		{"GET", "/", nil, "200 Reports"},
		{"GET", "/reports", nil, `401 {"error":"unauthorized","error_description":"Bearer token required"}`},
		{"GET", "/reports", reader, "200 Reports for alice"},
		{"DELETE", "/reports", reader, `403 {"error":"insufficient_scope",` +
			`"error_description":"Required scope: reports:read reports:delete","scope":"reports:read reports:delete"}`},
		{"DELETE", "/reports", deleter, "200 Deleted"},
		{"GET", "/healthz", nil, `200 {"status":"ok"}`},
	} {
		if found := exchangeText(t, step.method, server+step.path, step.header); found != step.found {
			t.Errorf("%s %s: found %s", step.method, step.path, found)
		}
	}
}

func TestDocumentedProgramPrintsWhatItSays(t *testing.T) {
	module := freshModule(t, "main.go", blocks(t, "docs/go.md", "go")[0])
	if found := goTool(t, module, "run", "."); found != blocks(t, "docs/go.md", "text")[0] {
		t.Errorf("found %s", found)
	}
}

func TestDocumentedUnitTestPasses(t *testing.T) {
	module := freshModule(t, "main_test.go", blocks(t, "docs/frameworks/go-net-http.md", "go")[1])
	if found := goTool(t, module, "test", "-v", "."); !strings.Contains(found, "--- PASS: TestReportsNeedAValidToken") {
		t.Errorf("found %s", found)
	}
}

func TestVersionIsThatOfTheHeader(t *testing.T) {
	header, err := os.ReadFile("../../include/scopegate.h")
	if err != nil {
		t.Fatal(err)
	}
	version := regexp.MustCompile(`#define SCOPEGATE_VERSION "(.*)"`).FindSubmatch(header)
	module, err := os.ReadFile("go.mod")
	if err != nil || version == nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(module), "scopegate/bindings-go v"+string(version[1])+" ") {
		t.Errorf("go.mod requires another version than %s", version[1])
	}
}

// blocks are the fenced blocks of this language in a page.
func blocks(t *testing.T, page, language string) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../..", page))
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, block := range regexp.MustCompile("(?s)```"+language+"\n(.*?)```").FindAllSubmatch(text, -1) {
		found = append(found, string(block[1]))
	}
	return found
}

// freshModule is a module of a user, outside the repository, with one file.
func freshModule(t *testing.T, name, source string) string {
	t.Helper()
	folder := t.TempDir()
	here, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	sums, err := os.ReadFile("go.sum")
	if err != nil {
		t.Fatal(err)
	}
	module := fmt.Sprintf(freshGoMod, here, filepath.Dir(here))
	for file, text := range map[string]string{name: source, "go.mod": module, "go.sum": string(sums)} {
		if err := os.WriteFile(filepath.Join(folder, file), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

const freshGoMod = `module user.test/program

go 1.25.0

require (
	github.com/scopegate/scopegate/bindings-go v0.0.0
	github.com/scopegate/scopegate/bindings-go/mcp v0.0.0
)

replace (
	github.com/scopegate/scopegate/bindings-go/mcp => %s
	github.com/scopegate/scopegate/bindings-go => %s
)
`

// goTool gives what the command prints on its standard output.
func goTool(t *testing.T, folder string, arguments ...string) string {
	t.Helper()
	command := exec.CommandContext(t.Context(), "go", arguments...)
	command.Dir = folder
	command.Env = append(os.Environ(), "GOFLAGS=-mod=mod") // to complete the fresh go.mod
	output, err := command.Output()
	if failed := (*exec.ExitError)(nil); errors.As(err, &failed) {
		t.Fatalf("go %v: %v\n%s%s", arguments, err, output, failed.Stderr)
	} else if err != nil {
		t.Fatal(err)
	}
	return string(output)
}

func exchangeText(t *testing.T, method, url string, header http.Header) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if header != nil {
		request.Header = header
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(response.StatusCode, " ", strings.TrimSpace(string(body)))
}
