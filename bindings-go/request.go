//go:build cgo

package scopegate

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"
)

// A Request is the part of an HTTP request that decides whether it may pass.
//
// Header values are those of every field line, as they were received and in order, which is what http.Header.Values
// gives. Do not join, trim or decode them.
//
// Package fmt and slog show nothing of it, since it holds the client's token.
type Request struct {
	// Method is the HTTP method.
	Method string
	// Target is the path, and the query if any, as received.
	Target string
	// Authorization has the value of every Authorization line. Two lines are two credentials, and refused.
	Authorization []string
	// Origin has the value of every Origin line.
	Origin []string
	// AccessControlRequestMethod makes an OPTIONS request a preflight. The first line counts.
	AccessControlRequestMethod []string
	// AccessControlRequestHeaders is read in a preflight. The first line counts.
	AccessControlRequestHeaders []string
	// ProtocolVersion has the value of every MCP-Protocol-Version line.
	ProtocolVersion []string
	// MCPMethod has the value of every Mcp-Method line.
	MCPMethod []string
	// MCPName has the value of every Mcp-Name line.
	MCPName []string
	// Scopes are needed by this request beside those of the configuration, such as those of a route. One that breaks
	// the grammar of RFC 6749 section 3.3, or offline_access, refuses the request as ReasonInternal.
	Scopes []string
	// Body is the whole body, as the program itself will read it: nil when it was not read, empty when there is none.
	Body []byte
	// Calls stand for the body when it is nil, for programs whose own parser ran first: the calls in it, so that policy
	// and program read the same object. nil when there is nothing in place of the body.
	Calls []Call
	// Now is the time to judge by, in whole seconds; the machine's clock when zero.
	Now time.Time
}

// Format writes the name of the type, whatever the verb.
func (Request) Format(state fmt.State, _ rune) { _, _ = io.WriteString(state, "scopegate.Request") }

// LogValue is the name of the type too.
func (Request) LogValue() slog.Value { return slog.StringValue("scopegate.Request") }

// A Call is one JSON-RPC request or notification of MCP, as the program's own parser read it.
type Call struct {
	// Method is the JSON-RPC method.
	Method string
	// Name is params.name of tools/call and prompts/get, and params.uri of resources/read, subscribe and unsubscribe;
	// empty when there is none. What completion/complete and subscriptions/listen are about cannot be said here: such a
	// call is refused, and has to be handed in as Body.
	Name string
	// ID is the id of the request: a string, an int, an int64, or a float64 without fraction as encoding/json makes it.
	// Anything else counts as unknown, and so does a string of more than 256 bytes or a number beyond 2^53.
	ID any
}

// NewRequest is what an HTTP request says of itself, without its body.
func NewRequest(r *http.Request) Request {
	header := r.Header // by canonical names: Values would make them of others each time
	return Request{
		Method:                      r.Method,
		Target:                      r.URL.RequestURI(),
		Authorization:               header["Authorization"],
		Origin:                      header["Origin"],
		AccessControlRequestMethod:  header["Access-Control-Request-Method"],
		AccessControlRequestHeaders: header["Access-Control-Request-Headers"],
		ProtocolVersion:             header["Mcp-Protocol-Version"],
		MCPMethod:                   header["Mcp-Method"],
		MCPName:                     header["Mcp-Name"],
	}
}
