//go:build cgo

package scopegate

// #include "native.h"
import "C"

import (
	"math"
	"runtime"
	"slices"
	"sync"
)

// A layout is a request in the form that crosses to the library: one piece of text and the lengths of its parts, so
// that no Go pointer is stored anywhere. native.h says in which order.
type layout struct {
	outline C.scopegate_go_outline
	text    []byte
	lengths []C.size_t
	calls   []C.scopegate_go_call
	spent   *spentToken
}

// layouts are those that nobody uses at the moment.
var layouts = sync.Pool{New: func() any {
	made := &layout{text: make([]byte, 0, usualText), lengths: make([]C.size_t, 0, C.SCOPEGATE_GO_PARTS)}
	made.spent = newSpentToken(made)
	return made
}}

const (
	// usualText is what a request with a token of usual length takes.
	usualText = 2048
	// largestKept is the most text that a layout keeps room for.
	largestKept = 32 * 1024
)

// giveBack lets the next request use the memory.
func (l *layout) giveBack() {
	if cap(l.text) <= largestKept {
		layouts.Put(l)
	}
}

// A spentToken goes back to the library with the next question, which saves a crossing.
type spentToken struct {
	token *C.scopegate_token
}

// newSpentToken is freed at last when its owner is garbage.
func newSpentToken(owner *layout) *spentToken {
	spent := new(spentToken)
	runtime.AddCleanup(owner, func(spent *spentToken) { C.scopegate_token_free(spent.take()) }, spent)
	return spent
}

func (s *spentToken) take() *C.scopegate_token {
	token := s.token
	s.token = nil
	return token
}

func layOut(request *Request, token *keptToken) *layout {
	l := layouts.Get().(*layout)
	l.text, l.lengths, l.calls = l.text[:0], l.lengths[:0], nil
	l.add(request.Method)
	l.add(request.Target)
	l.outline = C.scopegate_go_outline{
		authorization:                  l.addAll(request.Authorization),
		origin:                         l.addAll(request.Origin),
		access_control_request_method:  l.addAll(first(request.AccessControlRequestMethod)),
		access_control_request_headers: l.addAll(first(request.AccessControlRequestHeaders)),
		protocol_version:               l.addAll(request.ProtocolVersion),
		mcp_method:                     l.addAll(request.MCPMethod),
		mcp_name:                       l.addAll(request.MCPName),
		scopes:                         l.addAll(request.Scopes),
		calls:                          C.size_t(len(request.Calls)),
		body_len:                       C.size_t(len(request.Body)),
		body_read:                      flag(request.Body != nil),
		calls_read:                     flag(request.Calls != nil),
	}
	for _, call := range request.Calls {
		l.addCall(call)
	}
	if !request.Now.IsZero() {
		l.outline.has_now, l.outline.now = 1, C.int64_t(request.Now.Unix())
	}
	l.addToken(token)
	l.outline.parts = C.size_t(len(l.lengths))
	return l
}

func (l *layout) add(part string) {
	l.text = append(l.text, part...)
	l.lengths = append(l.lengths, C.size_t(len(part)))
}

func (l *layout) addAll(parts []string) C.size_t {
	for _, part := range parts {
		l.add(part)
	}
	return C.size_t(len(parts))
}

func (l *layout) addCall(call Call) {
	l.add(call.Method)
	var outline C.scopegate_go_call
	if call.Name != "" {
		l.add(call.Name)
		outline.has_name = 1
	}
	switch id := call.ID.(type) {
	case string:
		l.add(id)
		outline.has_text_id = 1
	case int:
		outline.has_number_id, outline.number_id = 1, C.int64_t(id)
	case int64:
		outline.has_number_id, outline.number_id = 1, C.int64_t(id)
	case float64:
		if id == math.Trunc(id) && math.Abs(id) <= 1<<53 {
			outline.has_number_id, outline.number_id = 1, C.int64_t(id)
		}
	}
	l.calls = append(l.calls, outline)
}

func first(lines []string) []string {
	return slices.Clip(lines[:min(len(lines), 1)])
}

func flag(set bool) C.int32_t {
	if set {
		return 1
	}
	return 0
}
