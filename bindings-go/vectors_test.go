package scopegate_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	scopegate "github.com/scopegate/scopegate/bindings-go"
)

const vectors = "../tests/vectors"

type suite struct {
	Suite         string `json:"suite"`
	NumberOfTests int    `json:"number_of_tests"`
	Groups        []struct {
		Config   json.RawMessage `json:"config"`
		Derive   json.RawMessage `json:"derive"`
		Declared []offered       `json:"declared"`
		Report   any             `json:"report"`
		Cases    []vector        `json:"cases"`
	} `json:"groups"`
}

// An offered is an entry of what a host offers.
type offered struct {
	Kind   string          `json:"kind"`
	Name   string          `json:"name"`
	Scopes json.RawMessage `json:"scopes"`
}

type vector struct {
	ID        string         `json:"id"`
	Now       int64          `json:"now"`
	Operation string         `json:"operation"`
	Request   vectorRequest  `json:"request"`
	Then      *vectorRequest `json:"then"`
	Kind      string         `json:"kind"`
	Name      string         `json:"name"`
	Expect    map[string]any `json:"expect"`
}

var kinds = map[string]scopegate.CallKind{
	"tools":     scopegate.KindTool,
	"prompts":   scopegate.KindPrompt,
	"resources": scopegate.KindResource,
}

type vectorRequest struct {
	Method                      string   `json:"method"`
	Target                      string   `json:"target"`
	Authorization               []latin1 `json:"authorization"`
	Origin                      []latin1 `json:"origin"`
	AccessControlRequestMethod  *latin1  `json:"access_control_request_method"`
	AccessControlRequestHeaders *latin1  `json:"access_control_request_headers"`
	ProtocolVersion             []latin1 `json:"protocol_version"`
	MCPMethod                   []latin1 `json:"mcp_method"`
	MCPName                     []latin1 `json:"mcp_name"`
	Scopes                      []string `json:"scopes"`
	Body                        *string  `json:"body"`
	BodyBase64                  []byte   `json:"body_base64"`
	Calls                       []struct {
		Method string `json:"method"`
		Name   string `json:"name"`
		ID     any    `json:"id"`
	} `json:"calls"`
}

// latin1 is a field line whose characters are bytes.
type latin1 string

func TestEveryVectorGivesTheExpectedAnswer(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(vectors, "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no vectors in %s: %v", vectors, err)
	}
	var transcript strings.Builder
	for _, file := range files {
		var suite suite
		read(t, file, &suite)
		ran := 0
		for _, group := range suite.Groups {
			gate, err := scopegate.FromJSON(group.Config)
			if err != nil {
				t.Fatalf("%s: %v", suite.Suite, err)
			}
			if group.Derive != nil {
				derived, err := gate.DeriveJSON(group.Derive)
				if err != nil {
					t.Fatalf("%s: %v", suite.Suite, err)
				}
				gate.Close()
				gate = derived
			}
			if group.Declared != nil {
				declared, report, err := gate.Declare(offers(t, group.Declared))
				if err != nil {
					t.Fatalf("%s: %v", suite.Suite, err)
				}
				if found := reportMembers(report); !reflect.DeepEqual(jsonValue(t, found), group.Report) {
					t.Errorf("%s: expected %v, found %v", suite.Suite, group.Report, found)
				}
				gate.Close()
				gate = declared
			}
			for _, vector := range group.Cases {
				found := answer(t, gate, vector)
				if expected := jsonValue(t, vector.Expect); !reflect.DeepEqual(jsonValue(t, found.compared()), expected) {
					t.Errorf("%s/%s: expected %v, found %v", suite.Suite, vector.ID, expected, found.compared())
				}
				transcript.WriteString(found.line(vector.ID))
				ran++
				// Without keys none is verified, and a further fetch that fails makes the wait longer.
				if vector.Expect["status"] == 503.0 {
					continue
				}
				// A token that was verified before, and then one that was read before, has the answer of one that was not.
				for range 2 {
					if again := answer(t, gate, vector); again.line(vector.ID) != found.line(vector.ID) {
						t.Errorf("%s/%s: another answer to the same token", suite.Suite, vector.ID)
					}
				}
			}
			gate.Close()
		}
		if ran != suite.NumberOfTests || ran == 0 {
			t.Errorf("%s: ran %d of %d", suite.Suite, ran, suite.NumberOfTests)
		}
	}
	writeTranscript(t, transcript.String())
}

func TestEveryConfigurationHasTheExpectedMistakes(t *testing.T) {
	var document struct {
		NumberOfTests int `json:"number_of_tests"`
		Cases         []struct {
			ID     string `json:"id"`
			Config string `json:"config"`
			Errors []scopegate.Mistake
		} `json:"cases"`
	}
	read(t, filepath.Join(vectors, "configuration", "errors.json"), &document)
	if len(document.Cases) != document.NumberOfTests || document.NumberOfTests == 0 {
		t.Fatalf("%d cases of %d", len(document.Cases), document.NumberOfTests)
	}
	for _, test := range document.Cases {
		gate, err := scopegate.FromJSON([]byte(test.Config))
		found := []scopegate.Mistake{}
		if refused := (*scopegate.ConfigError)(nil); errors.As(err, &refused) {
			found = refused.Errors
		} else {
			gate.Close()
		}
		if !reflect.DeepEqual(found, test.Errors) {
			t.Errorf("%s: expected %v, found %v", test.ID, test.Errors, found)
		}
	}
}

func offers(t *testing.T, entries []offered) []scopegate.Offered {
	offers := make([]scopegate.Offered, len(entries))
	for i, entry := range entries {
		offers[i] = scopegate.Offered{Kind: kinds[entry.Kind+"s"], Name: entry.Name}
		var scopes []string
		switch {
		case string(entry.Scopes) == `"deny"`:
			offers[i].Scopes = scopegate.Deny
		case len(entry.Scopes) > 0:
			if err := json.Unmarshal(entry.Scopes, &scopes); err != nil {
				t.Fatal(err)
			}
			offers[i].Scopes = scopegate.Need(scopes...)
		}
	}
	return offers
}

// reportMembers is the report in the form of the vectors.
func reportMembers(report scopegate.PolicyReport) map[string]any {
	named := func(entries []scopegate.PolicyEntry) []any {
		members := []any{}
		for _, entry := range entries {
			name := map[scopegate.CallKind]string{1: "tool", 2: "prompt", 3: "resource"}[entry.Kind]
			members = append(members, map[string]any{"kind": name, "name": entry.Name})
		}
		return members
	}
	sentences := []any{}
	for _, sentence := range report.Forgotten {
		sentences = append(sentences, map[string]any{"path": sentence.Path, "message": sentence.Message})
	}
	return map[string]any{
		"unmatched_rules": named(report.UnmatchedRules), "defaulted": named(report.Defaulted),
		"default": report.Default, "unreadable": named(report.Unreadable), "forgotten": sentences,
	}
}

// An outcome is what a vector is answered with; what there is not is nil.
type outcome struct {
	refusal   *scopegate.Rejected
	wellKnown bool
	response  *scopegate.Response
	token     map[string]any
	allowed   *bool
	explained *scopegate.Explanation
}

func answer(t *testing.T, gate *scopegate.ResourceServer, vector vector) outcome {
	request := vector.Request.request(vector.Now)
	if vector.Operation == "well_known" {
		return outcome{wellKnown: true, response: gate.WellKnown(request)}
	}
	if vector.Operation == "explain" {
		explained := gate.Explain(request)
		return outcome{explained: &explained}
	}
	token, err := gate.Authorize(context.Background(), request)
	if err == nil && vector.Operation == "require" {
		err = gate.Require(token, vector.Then.request(vector.Now))
	}
	if err != nil {
		var refusal *scopegate.Rejected
		if !errors.As(err, &refusal) {
			t.Fatalf("%s: %v", vector.ID, err)
		}
		return outcome{refusal: refusal}
	}
	if vector.Operation == "allowed" {
		kind, known := kinds[vector.Kind]
		if !known {
			t.Fatalf("%s: kind %q", vector.ID, vector.Kind)
		}
		allowed := gate.Allowed(token, kind, vector.Name)
		return outcome{allowed: &allowed}
	}
	return outcome{token: tokenMembers(token)}
}

// compared is the outcome in the form of expect.
func (o outcome) compared() map[string]any {
	switch {
	case o.allowed != nil:
		return map[string]any{"allowed": *o.allowed}
	case o.explained != nil:
		return explainedMembers(o.explained)
	case o.wellKnown && o.response == nil:
		return map[string]any{"response": nil}
	case o.wellKnown:
		return map[string]any{"response": responseMembers(o.response)}
	case o.refusal != nil:
		members := responseMembers(o.refusal.Response())
		members["reason"], members["code"] = o.refusal.Reason, o.refusal.Code
		return members
	}
	return map[string]any{"token": o.token}
}

// line is the outcome in the form that is compared between languages.
func (o outcome) line(id string) string {
	members := o.compared()
	if o.explained != nil {
		document, _ := o.explained.MarshalJSON()
		members = map[string]any{"explanation": string(document), "text": o.explained.String()}
	}
	if response, ok := members["response"].(map[string]any); ok {
		members = response
	}
	members["id"] = id
	names := []string{"id", "reason", "code", "status", "headers", "body", "token"}
	if o.allowed != nil {
		names = append(names, "allowed")
	}
	if o.explained != nil {
		names = append(names, "explanation", "text")
	}
	return compact(members, names) + "\n"
}

// explainedMembers tells what came of each check, and what is said of the one that failed.
func explainedMembers(explained *scopegate.Explanation) map[string]any {
	checks := []string{}
	var failed scopegate.ExplainedCheck
	for _, check := range explained.Checks {
		checks = append(checks, check.Outcome+" "+check.Check)
		if check.Outcome == "failed" {
			failed = check
		}
	}
	members := map[string]any{
		"outcome": explained.Outcome, "reason": string(explained.Reason), "status": explained.Status, "checks": checks,
		"expected": failed.Expected, "found": failed.Found, "hint": failed.Hint,
	}
	for name, value := range members {
		if value == "" || value == 0 {
			members[name] = nil
		}
	}
	return members
}

func responseMembers(response *scopegate.Response) map[string]any {
	headers := [][]string{}
	for _, header := range response.Headers {
		headers = append(headers, []string{header.Name, header.Value})
	}
	return map[string]any{"status": response.Status, "headers": headers, "body": string(response.Body)}
}

var tokenNames = []string{
	"issuer", "subject", "client_id", "scopes", "effective_scopes", "audience", "resource", "expires_at", "issued_at",
	"token_id", "principal", "claims",
}

func tokenMembers(token *scopegate.AccessToken) map[string]any {
	members := map[string]any{
		"issuer": token.Issuer, "subject": token.Subject, "client_id": token.ClientID, "scopes": token.Scopes,
		"effective_scopes": token.EffectiveScopes, "audience": token.Audience, "resource": token.Resource,
		"expires_at": token.ExpiresAt.Unix(), "issued_at": token.IssuedAt.Unix(), "token_id": token.TokenID,
		"principal": token.Principal, "claims": string(token.Claims),
	}
	noSubject, noClientID, noTokenID, noPrincipal := token.Absent()
	for name, absent := range map[string]bool{
		"subject": noSubject, "client_id": noClientID, "token_id": noTokenID, "principal": noPrincipal,
		"issued_at": token.IssuedAt.IsZero(),
	} {
		if absent {
			members[name] = nil
		}
	}
	return members
}

func (r *vectorRequest) request(now int64) scopegate.Request {
	request := scopegate.Request{
		Method: r.Method, Target: r.Target, Authorization: fieldLines(r.Authorization), Origin: fieldLines(r.Origin),
		ProtocolVersion: fieldLines(r.ProtocolVersion), MCPMethod: fieldLines(r.MCPMethod), MCPName: fieldLines(r.MCPName),
		Scopes: r.Scopes, Body: r.BodyBase64, Now: time.Unix(now, 0),
	}
	if r.AccessControlRequestMethod != nil {
		request.AccessControlRequestMethod = fieldLines([]latin1{*r.AccessControlRequestMethod})
	}
	if r.AccessControlRequestHeaders != nil {
		request.AccessControlRequestHeaders = fieldLines([]latin1{*r.AccessControlRequestHeaders})
	}
	if r.Body != nil {
		request.Body = []byte(*r.Body)
	}
	if r.Calls != nil {
		request.Calls = []scopegate.Call{}
	}
	for _, call := range r.Calls {
		request.Calls = append(request.Calls, scopegate.Call{Method: call.Method, Name: call.Name, ID: call.ID})
	}
	return request
}

func fieldLines(values []latin1) []string {
	lines := make([]string, len(values))
	for i, value := range values {
		var line []byte
		for _, character := range value {
			line = append(line, byte(character))
		}
		lines[i] = string(line)
	}
	return lines
}

// compact is JSON with these members in this order, as tests/vectors/README.md defines it: encoding/json would escape
// more than a transcript does.
func compact(value any, names []string) string {
	switch value := value.(type) {
	case map[string]any:
		members := make([]string, len(names))
		for i, name := range names {
			members[i] = quoted(name) + ":" + compact(value[name], tokenNames)
		}
		return "{" + strings.Join(members, ",") + "}"
	case string:
		return quoted(value)
	case scopegate.Reason:
		return quoted(string(value))
	case []string:
		return compactList(value)
	case [][]string:
		return compactList(value)
	case nil:
		return "null"
	}
	return fmt.Sprint(value)
}

func compactList[T any](values []T) string {
	items := make([]string, len(values))
	for i, value := range values {
		items[i] = compact(value, nil)
	}
	return "[" + strings.Join(items, ",") + "]"
}

func quoted(text string) string {
	short := map[rune]string{'"': `\"`, '\\': `\\`, '\b': `\b`, '\f': `\f`, '\n': `\n`, '\r': `\r`, '\t': `\t`}
	var out strings.Builder
	out.WriteByte('"')
	for _, character := range text {
		if escape, ok := short[character]; ok {
			out.WriteString(escape)
		} else if character < ' ' {
			fmt.Fprintf(&out, `\u%04x`, character)
		} else {
			out.WriteRune(character)
		}
	}
	out.WriteByte('"')
	return out.String()
}

func writeTranscript(t *testing.T, text string) {
	folder := os.Getenv("SCOPEGATE_TRANSCRIPTS")
	if folder == "" {
		folder = filepath.Join("..", "target", "transcripts")
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "go.jsonl"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, file string, into any) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(text, into)
	}
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
}

// jsonValue makes both sides of a comparison of the same types.
func jsonValue(t *testing.T, value any) any {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	var same any
	if err := json.Unmarshal(text, &same); err != nil {
		t.Fatal(err)
	}
	return same
}
