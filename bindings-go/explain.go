//go:build cgo

package scopegate

import (
	"encoding/json"
	"fmt"
)

// An Explanation is why a request would be accepted or refused.
//
// It shows values of claims that a check is about, also where nothing has verified them: escaped, and cut after 128 bytes.
// It shows no part of the token as it was sent, no other claim, and nothing else of the Authorization lines.
type Explanation struct {
	// Outcome is "accepted", "refused", "needs_keys" (it cannot be told for want of keys) or "needs_body" (the token
	// is good, and the rest cannot be told without the body).
	Outcome string `json:"outcome"`
	// Reason is why the request is refused; empty where it is not.
	Reason Reason `json:"reason"`
	// Status is the HTTP status of the refusal; 0 where there is none.
	Status int `json:"status"`
	// Detail is that of the refusal: a sentence that says what was expected.
	Detail string `json:"detail"`
	// Checks are all checks, in the order in which they are made: the first that fails is the reason.
	Checks []ExplainedCheck `json:"checks"`

	document json.RawMessage
	text     string
}

// An ExplainedCheck is one check.
type ExplainedCheck struct {
	// Check is its name, which stays.
	Check string `json:"check"`
	// Outcome is "passed", "failed" (or cannot be told; no later one was made), "not_reached" (an earlier one failed) or
	// "not_asked" (the configuration does not ask for it).
	Outcome string `json:"outcome"`
	// Expected is what it expects; empty where that depends on an issuer that is not known, and where it is not asked for.
	Expected string `json:"expected"`
	// Found is what was found, where the check was made.
	Found string `json:"found"`
	// Hint is what often is behind a failure that looks like this one.
	Hint string `json:"hint"`
	// Reference is where more is to be read: the section of an RFC, or of docs/reasons.md.
	Reference string `json:"reference"`
}

// String has a line for each check, with what was expected and found where it failed.
func (e Explanation) String() string { return e.text }

// MarshalJSON is the document that every language has: what there is not is null.
func (e Explanation) MarshalJSON() ([]byte, error) { return e.document, nil }

// Explain tells why a request would be accepted or refused now, for operators and for whoever holds the token.
//
// It decides as Check does and leaves no traces: it fetches no keys, counts nothing, logs nothing, is no event and remembers
// no token. Where keys are missing it says so; WarmUp fetches them.
func (g *ResourceServer) Explain(request Request) Explanation {
	found := g.ask(explain, &request, nil, nil, "")
	if found.answer != nil {
		return explainedFault(found.answer)
	}
	explained := Explanation{document: found.explained, text: found.text}
	if err := json.Unmarshal(found.explained, &explained); err != nil {
		return explainedFault(unreadable("an explanation of the library could not be read"))
	}
	return explained
}

// explainedFault is the explanation where the library gave none, as after Close.
func explainedFault(fault *Rejected) Explanation {
	explained := Explanation{Outcome: "refused", Reason: fault.Reason, Status: fault.Status, Detail: fault.Detail}
	explained.text = fmt.Sprintf("Refused: %s, answered as %d.\n%s\n", fault.Reason, fault.Status, fault.Detail)
	type plain Explanation // without MarshalJSON
	explained.document, _ = json.Marshal(plain(explained))
	return explained
}
