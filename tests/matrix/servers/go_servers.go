// An MCP server behind the Go adapter that the first argument names: mcp, or net/http with a responder in place of the SDK.
//
// Its configuration is in GATE. It prints two ports as JSON: the server's, and that of the same server with a fault of its
// program: scopes that are none. It ends with its standard input.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"os"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	scopegate "github.com/scopegate/scopegate/bindings-go"
	mcpgate "github.com/scopegate/scopegate/bindings-go/mcp"
)

var tools = []string{"weather", "send_email", "drop_table", "greet"}

type place struct {
	City string `json:"city,omitempty"`
}

func sdkServer() http.Handler {
	server := mcp.NewServer(&mcp.Implementation{Name: "matrix", Version: "1.0.0"}, nil)
	for _, name := range tools {
		answer := &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: name}}}
		mcp.AddTool(server, &mcp.Tool{Name: name},
			func(context.Context, *mcp.CallToolRequest, place) (*mcp.CallToolResult, any, error) {
				return answer, nil, nil
			})
	}
	return mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return server }, nil)
}

// respond is what little of MCP is answered without the SDK. It has no sessions.
func respond(w http.ResponseWriter, r *http.Request) {
	var message struct {
		ID     json.RawMessage
		Method string
		Params struct{ Name string }
	}
	if r.Method != http.MethodPost {
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	if err := json.NewDecoder(r.Body).Decode(&message); err != nil || message.ID == nil {
		w.WriteHeader(http.StatusAccepted)
		return
	}
	answer := map[string]any{"jsonrpc": "2.0", "id": message.ID}
	switch message.Method {
	case "initialize":
		answer["result"] = map[string]any{
			"protocolVersion": "2025-11-25", "capabilities": map[string]any{"tools": map[string]any{}},
			"serverInfo": map[string]any{"name": "responder", "version": "1"},
		}
	case "tools/list":
		var listed []any
		for _, name := range tools {
			listed = append(listed, map[string]any{"name": name, "inputSchema": map[string]any{"type": "object"}})
		}
		answer["result"] = map[string]any{"tools": listed}
	case "tools/call":
		answer["result"] = map[string]any{"content": []any{map[string]any{"type": "text", "text": message.Params.Name}}}
	default:
		answer["error"] = map[string]any{"code": -32601, "message": "Method not found"}
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(answer)
}

func main() {
	slog.SetDefault(slog.New(slog.NewTextHandler(io.Discard, nil)))
	gate, err := scopegate.FromJSON([]byte(os.Getenv("GATE")))
	if err != nil {
		log.Fatal(err)
	}
	handlers := map[string]func(...scopegate.ProtectOption) http.Handler{
		"mcp": func(options ...scopegate.ProtectOption) http.Handler {
			return mcpgate.Protect(gate, sdkServer(), options...)
		},
		"net/http": func(options ...scopegate.ProtectOption) http.Handler {
			return gate.Protect(http.HandlerFunc(respond), options...)
		},
	}
	var ports []int
	for _, options := range [][]scopegate.ProtectOption{nil, {scopegate.WithScopes("not a scope")}} {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			log.Fatal(err)
		}
		ports = append(ports, listener.Addr().(*net.TCPAddr).Port)
		go func() { log.Fatal(http.Serve(listener, handlers[os.Args[1]](options...))) }()
	}
	told, _ := json.Marshal(ports)
	fmt.Println(string(told))
	_, _ = io.Copy(io.Discard, os.Stdin)
}
