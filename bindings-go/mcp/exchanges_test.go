package mcpgate_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	scopegate "github.com/scopegate/scopegate/bindings-go"
	mcpgate "github.com/scopegate/scopegate/bindings-go/mcp"
	"github.com/scopegate/scopegate/bindings-go/scopegatetest"
)

// What the shared exchanges hold; tests/exchanges/README.md says what the members mean.
type exchangeSuite struct {
	Suite         string
	Stage         string
	Config        map[string]any
	Metadata      string `json:"authorization_server_metadata"`
	Tokens        map[string]map[string]any
	NumberOfCases int `json:"number_of_cases"`
	Cases         []exchangeCase
}

type exchangeCase struct {
	ID            string
	Requests      []rawRequest
	OneConnection bool `json:"one_connection"`
	Leaves        bool
	Answers       []told
	Ran           []string
	Hosts         map[string]struct {
		Answers []told
		Ran     []string
	}
}

type rawRequest struct {
	RequestLine  string   `json:"request_line"`
	FieldLines   []string `json:"field_lines"`
	Body         string
	BodyBase64   []byte   `json:"body_base64"`
	BodyRepeated [][2]any `json:"body_repeated"`
}

// told is an answer as a case tells it: what it does not say is nil.
type told struct {
	Passes, Closed bool
	Status         *int
	Challenge      maybe
	Body           *string
	Fields         map[string]string
}

// maybe is a member that may be absent, null or a string.
type maybe struct {
	isSaid bool
	value  *string
}

func (m *maybe) UnmarshalJSON(text []byte) error {
	m.isSaid = true
	return json.Unmarshal(text, &m.value)
}

type answered struct {
	Closed    bool    `json:"closed,omitempty"`
	Status    int     `json:"status"`
	Challenge *string `json:"challenge"`
	Body      string  `json:"body"`
	fields    http.Header
	session   string
}

func TestExchangesGoAsTold(t *testing.T) {
	files, err := filepath.Glob("../../tests/exchanges/*.json")
	if err != nil || len(files) == 0 {
		t.Fatal("no exchanges", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var suite exchangeSuite
		parse(t, text, &suite)
		t.Run(suite.Suite, func(t *testing.T) { suite.play(t) })
	}
}

func (s *exchangeSuite) play(t *testing.T) {
	issuer := scopegatetest.NewIssuer(s.Config["resource"].(string))
	entry := issuer.Server()
	if s.Metadata != "" {
		metadata := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, s.Metadata)
		}))
		t.Cleanup(metadata.Close)
		var named struct{ Issuer string }
		parse(t, []byte(s.Metadata), &named)
		entry.DiscoveryURL, entry.MetadataIssuer = metadata.URL, named.Issuer
	}
	s.Config["authorization_servers"] = []any{entry}
	gate, err := scopegate.FromJSON([]byte(asJSON(t, s.Config)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(gate.Close)
	if s.Metadata != "" {
		if err := gate.WarmUp(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	tokens := map[string]string{}
	for name, claims := range s.Tokens {
		if seconds, ok := claims["expires_in"].(float64); ok {
			claims["expires_in"] = int(seconds)
		}
		tokens["{"+name+"}"] = issuer.Mint(claims)
	}
	var ran runs
	server := httptest.NewUnstartedServer(stages[s.Stage](gate, &ran))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.Start()
	t.Cleanup(server.Close)
	for _, one := range s.Cases {
		answers, expected := one.Answers, one.Ran
		if host, ok := one.Hosts["go"]; ok {
			answers = orElse(host.Answers, answers)
			expected = orElse(host.Ran, expected)
		}
		one.Leaves = one.Leaves || slices.ContainsFunc(answers, func(answer told) bool { return answer.Closed })
		found := exchanged(t, server.Listener.Addr().String(), &one, tokens)
		names := ran.take()
		if slices.ContainsFunc(names, func(name string) bool { return slices.Contains(never, name) }) {
			t.Errorf("%s: %v ran", one.ID, names)
		}
		if !areTold(answers, found) || !slices.Equal(names, expected) {
			t.Errorf("%s: expected %s, %v; found %s, %v", one.ID, asJSON(t, answers), expected, asJSON(t, found), names)
		}
	}
	if len(s.Cases) != s.NumberOfCases {
		t.Errorf("%d of %d cases", len(s.Cases), s.NumberOfCases)
	}
}

// never is what the policy of every suite denies.
var never = []string{"erase", "drop_table", "secret", "complete:secret", "plans", "complete:note"}

func orElse[T any](first, second []T) []T {
	if first != nil {
		return first
	}
	return second
}

func areTold(answers []told, found []answered) bool {
	for i := range answers {
		if len(answers) != len(found) || !answers[i].is(found[i]) {
			return false
		}
	}
	return true
}

func (a *told) is(found answered) bool {
	switch {
	case a.Closed || found.Closed:
		return a.Closed == found.Closed
	case a.Passes:
		return found.Challenge == nil
	}
	for name, value := range a.Fields {
		if found.fields.Get(name) != value {
			return false
		}
	}
	return (a.Status == nil || *a.Status == found.Status) && (a.Body == nil || *a.Body == found.Body) &&
		(!a.Challenge.isSaid || reflect.DeepEqual(a.Challenge.value, found.Challenge))
}

// runs is which tools ran, in their order.
type runs struct {
	mu    sync.Mutex
	names []string
}

func (r *runs) add(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.names = append(r.names, name)
}

func (r *runs) take() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	names := r.names
	r.names = nil
	return names
}

var stages = map[string]func(*scopegate.ResourceServer, *runs) http.Handler{
	"plain": func(gate *scopegate.ResourceServer, ran *runs) http.Handler {
		return mcpgate.Protect(gate, routed(ran, true))
	},
	"paths": func(gate *scopegate.ResourceServer, ran *runs) http.Handler {
		return mcpgate.Protect(gate, routed(ran, true), scopegate.WithPublic("/open"))
	},
	"sessions": func(gate *scopegate.ResourceServer, ran *runs) http.Handler {
		return mcpgate.Protect(gate, routed(ran, false))
	},
	"operators": func(gate *scopegate.ResourceServer, ran *runs) http.Handler {
		return mcpgate.Protect(gate, routed(ran, true),
			scopegate.WithHealth("/healthz"), scopegate.WithMetrics("/metrics"))
	},
	"mounted": func(gate *scopegate.ResourceServer, ran *runs) http.Handler {
		protected := mcpgate.Protect(gate, routed(ran, true), scopegate.WithPublic("/open"))
		return http.StripPrefix("/api", protected)
	},
}

// routed is the SDK's server at /mcp, where whatever runs notes its name, and a route that needs no token where the stage
// says so.
func routed(ran *runs, stateless bool) http.Handler {
	server := mcp.NewServer(&mcp.Implementation{Name: "stage", Version: "1.0.0"}, &mcp.ServerOptions{
		CompletionHandler: func(_ context.Context, request *mcp.CompleteRequest) (*mcp.CompleteResult, error) {
			name := "note"
			if request.Params.Ref.Type == "ref/prompt" {
				name = request.Params.Ref.Name
			}
			ran.add("complete:" + name)
			return &mcp.CompleteResult{Completion: mcp.CompletionResultDetails{Values: []string{}}}, nil
		},
	})
	for _, name := range []string{"weather", "send_email", "erase", "drop_table", "free"} {
		mcp.AddTool(server, &mcp.Tool{Name: name},
			func(context.Context, *mcp.CallToolRequest, map[string]any) (*mcp.CallToolResult, any, error) {
				ran.add(name)
				return &mcp.CallToolResult{}, nil, nil
			})
	}
	for _, name := range []string{"greet", "brief", "secret"} {
		server.AddPrompt(&mcp.Prompt{Name: name},
			func(context.Context, *mcp.GetPromptRequest) (*mcp.GetPromptResult, error) {
				ran.add(name)
				return &mcp.GetPromptResult{}, nil
			})
	}
	reader := func(name string) mcp.ResourceHandler {
		return func(_ context.Context, request *mcp.ReadResourceRequest) (*mcp.ReadResourceResult, error) {
			ran.add(name)
			contents := []*mcp.ResourceContents{{URI: request.Params.URI, Text: "done"}}
			return &mcp.ReadResourceResult{Contents: contents}, nil
		}
	}
	server.AddResource(&mcp.Resource{Name: "open", URI: "file:///reports/open.txt"}, reader("open"))
	server.AddResource(&mcp.Resource{Name: "plans", URI: "file:///secret/plans.txt"}, reader("plans"))
	server.AddResourceTemplate(&mcp.ResourceTemplate{Name: "note", URITemplate: "note:///{name}"}, reader("note"))
	// The resource is no loopback host, as behind a proxy.
	options := &mcp.StreamableHTTPOptions{Stateless: stateless, JSONResponse: true, DisableLocalhostProtection: true}
	mux := http.NewServeMux()
	mux.Handle("/mcp", mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return server }, options))
	mux.HandleFunc("/open", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "open") })
	return mux
}

// exchanged sends the requests, each on a connection of its own or all in one write on one, and gives what came back.
func exchanged(t *testing.T, address string, one *exchangeCase, tokens map[string]string) []answered {
	t.Helper()
	together := 1
	if one.OneConnection {
		together = len(one.Requests)
	}
	var found []answered
	session := ""
	for requests := range slices.Chunk(one.Requests, together) {
		came := converse(t, address, requests, one.Leaves, tokens, session)
		if came[0].session != "" {
			session = came[0].session
		}
		found = append(found, came...)
	}
	return found
}

func converse(
	t *testing.T, address string, requests []rawRequest, leaves bool, tokens map[string]string, session string,
) []answered {
	t.Helper()
	connection, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	_ = connection.SetDeadline(time.Now().Add(10 * time.Second))
	var sent bytes.Buffer
	for i := range requests {
		requests[i].write(&sent, tokens, session)
	}
	// A server that refuses may close before it has read everything: what it answered is what counts.
	_, _ = connection.Write(sent.Bytes())
	leave := connection.(*net.TCPConn).CloseWrite
	if leaves {
		_ = leave()
	}
	reader := bufio.NewReader(connection)
	var found []answered
	for {
		method := ""
		if len(found) < len(requests) {
			method, _, _ = strings.Cut(requests[len(found)].RequestLine, " ")
		}
		answer, err := readAnswer(reader, method)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("no answer within 10 s to %s", sent.Bytes()[:min(sent.Len(), 1000)])
		}
		if err != nil {
			break
		}
		found = append(found, answer)
		if len(found) == len(requests) {
			_ = leave() // a server that took something for one request more answers it before it leaves
		}
	}
	for len(found) < len(requests) {
		found = append(found, answered{Closed: true})
	}
	return found
}

func (r *rawRequest) write(to *bytes.Buffer, tokens map[string]string, session string) {
	head := strings.Join(append([]string{r.RequestLine}, r.FieldLines...), "\r\n") + "\r\n\r\n"
	for name, token := range tokens {
		head = strings.ReplaceAll(head, name, token)
	}
	head = strings.ReplaceAll(head, "{session}", session)
	for _, character := range head {
		to.WriteByte(byte(character)) // Latin-1
	}
	to.WriteString(r.Body)
	to.Write(r.BodyBase64)
	for _, piece := range r.BodyRepeated {
		to.WriteString(strings.Repeat(piece[0].(string), int(piece[1].(float64))))
	}
}

// readAnswer reads one whole answer. A connection that is reset has ended.
func readAnswer(reader *bufio.Reader, method string) (answered, error) {
	response, err := http.ReadResponse(reader, &http.Request{Method: method})
	for err == nil && response.StatusCode < 200 && response.StatusCode != http.StatusSwitchingProtocols {
		response, err = http.ReadResponse(reader, &http.Request{Method: method})
	}
	if err != nil {
		return answered{}, err
	}
	found := answered{Status: response.StatusCode, fields: response.Header}
	found.session = response.Header.Get("Mcp-Session-Id")
	if challenges := response.Header.Values("WWW-Authenticate"); len(challenges) > 0 {
		joined := strings.Join(challenges, ", ")
		found.Challenge = &joined
	}
	body, err := io.ReadAll(response.Body)
	found.Body = string(body)
	if errors.Is(err, syscall.ECONNRESET) {
		err = nil
	}
	return found, err
}
