// The official Go client, told what to do by lines of JSON; tests/matrix/children.py says which.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/modelcontextprotocol/go-sdk/auth/extauth"
	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/modelcontextprotocol/go-sdk/oauthex"
)

type task struct {
	ID        int
	URL       string
	Era       string
	Headers   map[string]string
	OAuth     *struct{ Client, Secret, Issuer string }
	Tool      string
	Arguments map[string]any
	Seconds   int
}

// fields sends these header fields to the MCP server, and notes which scopes its authorization server is asked for.
type fields struct {
	headers map[string]string
	asked   []string
}

func (f *fields) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	for name, value := range f.headers {
		r.Header.Set(name, value)
	}
	if strings.HasSuffix(r.URL.Path, "/token") {
		form, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		r.Body = io.NopCloser(bytes.NewReader(form))
		values, err := url.ParseQuery(string(form))
		if err != nil {
			return nil, err
		}
		f.asked = append(f.asked, values.Get("scope"))
	}
	return http.DefaultTransport.RoundTrip(r)
}

func run(task task) map[string]any {
	sent := &fields{headers: task.Headers, asked: []string{}}
	report := map[string]any{}
	step := func(name string, action func(context.Context) error) bool {
		ctx, cancel := context.WithTimeout(context.Background(), time.Duration(task.Seconds)*time.Second)
		defer cancel()
		if err := action(ctx); err != nil {
			report[name] = fmt.Sprintf("%T: %v", err, err)
			return false
		}
		report[name] = "ok"
		return true
	}
	transport := &mcp.StreamableClientTransport{Endpoint: task.URL, HTTPClient: &http.Client{Transport: sent}}
	if task.OAuth != nil {
		handler, err := extauth.NewClientCredentialsHandler(&extauth.ClientCredentialsHandlerConfig{
			Credentials: &oauthex.ClientCredentials{
				ClientID: task.OAuth.Client, ClientSecretAuth: &oauthex.ClientSecretAuth{ClientSecret: task.OAuth.Secret},
				Issuer: task.OAuth.Issuer,
			},
			HTTPClient: &http.Client{Transport: sent},
		})
		if err != nil {
			panic(err)
		}
		transport.OAuthHandler = handler
	}
	options := &mcp.ClientSessionOptions{}
	if task.Era == "legacy" {
		options.ProtocolVersion = "2025-11-25"
	}
	client := mcp.NewClient(&mcp.Implementation{Name: "matrix", Version: "1.0.0"}, nil)
	var session *mcp.ClientSession
	connected := step("connect", func(context.Context) (err error) {
		session, err = client.Connect(context.Background(), transport, options)
		return err
	})
	if connected {
		step("list", func(ctx context.Context) error {
			_, err := session.ListTools(ctx, nil)
			return err
		})
		call := func(name string, arguments map[string]any) func(context.Context) error {
			return func(ctx context.Context) error {
				_, err := session.CallTool(ctx, &mcp.CallToolParams{Name: name, Arguments: arguments})
				return err
			}
		}
		step("call", call(task.Tool, task.Arguments))
		step("again", call("greet", map[string]any{}))
		_ = session.Close()
	}
	report["asked"] = sent.asked
	return report
}

func main() {
	var writing sync.Mutex
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var task task
		if err := json.Unmarshal(lines.Bytes(), &task); err != nil {
			panic(err)
		}
		go func() {
			told, err := json.Marshal(map[string]any{"id": task.ID, "report": run(task)})
			if err != nil {
				panic(err)
			}
			writing.Lock()
			defer writing.Unlock()
			fmt.Println(string(told))
		}()
	}
}
