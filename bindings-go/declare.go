//go:build cgo

package scopegate

import (
	"encoding/json"
	"runtime"
)

// An Offered is a tool, prompt or resource that a host offers, and what it declares to need.
type Offered struct {
	// Kind is its kind. Required.
	Kind CallKind
	// Name is the name of a tool or prompt; the URI, or URI template, of a resource. Required.
	Name string
	// Scopes are Need or Deny; it declares nothing when nil. A resource that declares scopes must be a URI.
	Scopes Rule
}

// MarshalJSON is the entry of the list that is declared.
func (o Offered) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Kind   string `json:"kind"`
		Name   string `json:"name"`
		Scopes Rule   `json:"scopes,omitempty"`
	}{kindNames[o.Kind], o.Name, o.Scopes})
}

// A PolicyEntry is a tool, prompt or resource, or the policy's rule for some.
type PolicyEntry struct {
	// Kind is its kind.
	Kind CallKind
	// Name is its name or URI; of a rule the name or pattern, as configured.
	Name string
}

// UnmarshalJSON reads an entry of a report.
func (e *PolicyEntry) UnmarshalJSON(text []byte) error {
	var read struct{ Kind, Name string }
	if err := json.Unmarshal(text, &read); err != nil {
		return err
	}
	for kind, name := range kindNames {
		if name == read.Kind {
			e.Kind = kind
		}
	}
	e.Name = read.Name
	return nil
}

var kindNames = map[CallKind]string{KindTool: "tool", KindPrompt: "prompt", KindResource: "resource"}

// A PolicyReport says how the configured policy and what a host offers fit together.
type PolicyReport struct {
	// UnmatchedRules are configured rules, exact ones and patterns, that match nothing of their kind that is offered:
	// often a name that is spelled wrong. Rules for methods are not among them.
	UnmatchedRules []PolicyEntry
	// Defaulted is what only Policy.Default decides on: neither its name nor its method has a rule, and it declares nothing.
	Defaulted []PolicyEntry
	// Default is what Policy.Default is; Need() where no policy is configured.
	Default Rule
	// Unreadable are offered resources that a policy lets nobody use, since servers could take the URI for another one.
	Unreadable []PolicyEntry
	// Forgotten has a sentence on each entry of these, with the path of the rule in the configuration, such as
	// policy.tools.wether, or of what is offered, such as tools.weather. An adapter logs it, or refuses to start.
	Forgotten []Mistake
}

// UnmarshalJSON reads the report of the library.
func (r *PolicyReport) UnmarshalJSON(text []byte) error {
	var read struct {
		UnmatchedRules []PolicyEntry   `json:"unmatched_rules"`
		Defaulted      []PolicyEntry   `json:"defaulted"`
		Default        json.RawMessage `json:"default"`
		Unreadable     []PolicyEntry   `json:"unreadable"`
		Forgotten      []Mistake       `json:"forgotten"`
	}
	if err := json.Unmarshal(text, &read); err != nil {
		return err
	}
	*r = PolicyReport{
		UnmatchedRules: read.UnmatchedRules, Defaulted: read.Defaulted, Default: Deny, Unreadable: read.Unreadable,
		Forgotten: read.Forgotten,
	}
	var scopes []string
	if json.Unmarshal(read.Default, &scopes) == nil {
		r.Default = Need(scopes...)
	}
	return nil
}

// Declare makes a ResourceServer that also asks for the scopes which tools, prompts and resources declare, and reports how
// the configured policy fits all that is offered. g stays as it is; both share the keys and the verified tokens, and each
// counts its own decisions and is closed by itself.
//
// A declaration joins the rules for the method and the name: all their scopes are needed, and any denial refuses. So it can
// only ask for more; but where the name has no rule, it stands in the place of Policy.Default. Without a policy, what
// declares nothing needs RequiredScopes only, as before.
//
// The error is a *ConfigError with every mistake; the path of one is such as "tools.weather".
func (g *ResourceServer) Declare(offered []Offered) (*ResourceServer, PolicyReport, error) {
	defer runtime.KeepAlive(g)
	list, err := json.Marshal(append([]Offered{}, offered...))
	if err != nil {
		return nil, PolicyReport{}, &ConfigError{Errors: []Mistake{{Path: ".", Message: err.Error()}}}
	}
	declared, text, err := g.server.declare(list)
	if err != nil {
		return nil, PolicyReport{}, err
	}
	var report PolicyReport
	if err := json.Unmarshal(text, &report); err != nil {
		declared.release()
		return nil, PolicyReport{}, &ConfigError{Errors: []Mistake{{Path: ".", Message: err.Error()}}}
	}
	return newResourceServer(declared, g.log.logger), report, nil
}
