// What 10,000 configurations write, read by the official Go client (T53). It runs in the module bindings-go/mcp, which has
// that client among its dependencies.
package written

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/oauthex"
)

const (
	file           = "../../target/written.jsonl"
	configurations = 10_000
	challenges     = 54_969
)

type line struct {
	Number         int
	MetadataURL    string `json:"metadata_url"`
	MetadataTarget string `json:"metadata_target"`
	Document       struct {
		Expected oauthex.ProtectedResourceMetadata
		Written  written
	}
	Refusals []struct {
		Case     string
		Expected struct{ Challenge *challenge }
		Written  written
	}
}

type written struct {
	Status  int
	Headers [][2]string
	Body    string
}

type challenge struct {
	Error            string
	Scope            []string
	ResourceMetadata string `json:"resource_metadata"`
	ErrorDescription string `json:"error_description"`
}

func (c challenge) parameters() map[string]string {
	parameters := map[string]string{
		"error":             c.Error,
		"scope":             strings.Join(c.Scope, " "),
		"resource_metadata": c.ResourceMetadata,
		"error_description": c.ErrorDescription,
	}
	maps.DeleteFunc(parameters, func(_, value string) bool { return value == "" })
	return parameters
}

func (w written) values(name string) []string {
	var values []string
	for _, header := range w.Headers {
		if header[0] == name {
			values = append(values, header[1])
		}
	}
	return values
}

// each calls read with every line.
func each(t *testing.T, read func(line)) {
	t.Helper()
	opened, err := os.Open(file)
	if err != nil {
		t.Fatalf("%v: make test-written writes it", err)
	}
	defer opened.Close()
	reader := bufio.NewReaderSize(opened, 1<<20)
	count := 0
	for ; ; count++ {
		text, err := reader.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			break
		}
		var next line
		if err := json.Unmarshal(text, &next); err != nil {
			t.Fatal(err)
		}
		read(next)
	}
	if count != configurations {
		t.Fatalf("%d configurations", count)
	}
}

func TestClientReadsEachChallenge(t *testing.T) {
	count := 0
	each(t, func(line line) {
		for _, refusal := range line.Refusals {
			lines := refusal.Written.values("WWW-Authenticate")
			if refusal.Expected.Challenge == nil {
				if len(lines) != 0 {
					t.Errorf("%d %s: %q", line.Number, refusal.Case, lines)
				}
				continue
			}
			count++
			read, err := oauthex.ParseWWWAuthenticate(lines)
			if err != nil || len(read) != 1 || read[0].Scheme != "bearer" {
				t.Errorf("%d %s: %v %q", line.Number, refusal.Case, err, read)
				continue
			}
			if !maps.Equal(read[0].Params, refusal.Expected.Challenge.parameters()) {
				t.Errorf("%d %s: %q", line.Number, refusal.Case, read[0].Params)
			}
		}
	})
	if count != challenges {
		t.Errorf("%d challenges", count)
	}
}

func TestClientAsksForTheMetadataWhereItIs(t *testing.T) {
	each(t, func(line line) {
		parsed, err := url.Parse(line.MetadataURL)
		if err != nil || parsed.RequestURI() != line.MetadataTarget {
			t.Errorf("%d: %v %v", line.Number, err, parsed)
		}
	})
}

// serving answers every request with one response.
type serving written

func (s serving) RoundTrip(*http.Request) (*http.Response, error) {
	header := http.Header{}
	for _, line := range s.Headers {
		header.Add(line[0], line[1])
	}
	body := io.NopCloser(strings.NewReader(s.Body))
	return &http.Response{StatusCode: s.Status, Header: header, Body: body}, nil
}

// Of the hosts of this machine the client knows these alone: plain http from another is refused.
var loopback = []string{"localhost", "127.0.0.1", "::1"}

func TestClientReadsTheMetadata(t *testing.T) {
	refused := 0
	each(t, func(line line) {
		parsed, err := url.Parse(line.MetadataURL)
		if err != nil {
			t.Fatal(err)
		}
		client := &http.Client{Transport: serving(line.Document.Written)}
		resource := line.Document.Expected.Resource
		read, err := oauthex.GetProtectedResourceMetadata(context.Background(), line.MetadataURL, resource, client)
		if parsed.Scheme == "http" && !slices.Contains(loopback, parsed.Hostname()) {
			if err == nil || !strings.Contains(err.Error(), "does not use HTTPS or is not a loopback address") {
				t.Errorf("%d: %v", line.Number, err)
			}
			refused++
			return
		}
		if err != nil {
			t.Errorf("%d: %v", line.Number, err)
			return
		}
		found, _ := json.Marshal(read)
		expected, _ := json.Marshal(line.Document.Expected)
		if string(found) != string(expected) {
			t.Errorf("%d: %s\n%s", line.Number, found, expected)
		}
	})
	if refused != 618 {
		t.Errorf("%d documents of other names of this machine", refused)
	}
}
