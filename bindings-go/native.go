//go:build cgo

package scopegate

// #cgo noescape scopegate_go_ask
// #cgo nocallback scopegate_go_ask
// #cgo noescape scopegate_go_read_token
// #cgo nocallback scopegate_go_read_token
// #cgo noescape scopegate_go_read_lists
// #cgo nocallback scopegate_go_read_lists
// #cgo noescape scopegate_go_read_response
// #cgo nocallback scopegate_go_read_response
// #include <stdlib.h>
// #include "native.h"
import "C"

import (
	"encoding/json"
	"errors"
	"math"
	"strings"
	"sync/atomic"
	"time"
	"unsafe"
)

// A question is one of the functions of the library that take a request.
type question = C.scopegate_go_question

const (
	check         question = C.SCOPEGATE_GO_CHECK
	checkAfter    question = C.SCOPEGATE_GO_CHECK_AFTER
	require       question = C.SCOPEGATE_GO_REQUIRE
	allowed       question = C.SCOPEGATE_GO_ALLOWED
	callsOf       question = C.SCOPEGATE_GO_CALLS_OF
	explain       question = C.SCOPEGATE_GO_EXPLAIN
	wellKnown     question = C.SCOPEGATE_GO_WELL_KNOWN
	notFound      question = C.SCOPEGATE_GO_NOT_FOUND
	healthOf      question = C.SCOPEGATE_GO_HEALTH
	metricsOf     question = C.SCOPEGATE_GO_METRICS
	internalError question = C.SCOPEGATE_GO_INTERNAL_ERROR
)

// A reply is what comes of a question: exactly one of its members is set, or none where nothing is promised.
type reply struct {
	token     *AccessToken
	wanted    *keyRequest
	needsBody bool
	answer    *Rejected
	document  *Response
	passed    bool
	calls     json.RawMessage
	explained []byte
	text      string
}

// A server is the library's resource server, freed when its last user has left.
type server struct {
	handle   *C.scopegate_server
	users    atomic.Int64
	verified verifiedTokens
}

func openServer(configuration []byte) (*server, error) {
	var handle *C.scopegate_server
	var failure *C.scopegate_error
	text := (*C.char)(unsafe.Pointer(unsafe.SliceData(configuration)))
	if C.scopegate_server_new(C.SCOPEGATE_ABI, text, C.size_t(len(configuration)), &handle, &failure) != C.SCOPEGATE_OK {
		return nil, &ConfigError{Errors: readMistakes(failure)}
	}
	return newServer(handle), nil
}

func newServer(handle *C.scopegate_server) *server {
	opened := &server{handle: handle, verified: newVerifiedTokens()}
	opened.users.Store(1)
	return opened
}

func openFromEnvironment(members []byte) (*server, error) {
	var handle *C.scopegate_server
	var failure *C.scopegate_error
	text := (*C.char)(unsafe.Pointer(unsafe.SliceData(members)))
	if C.scopegate_server_from_env(C.SCOPEGATE_ABI, text, C.size_t(len(members)), &handle, &failure) != C.SCOPEGATE_OK {
		return nil, &ConfigError{Errors: readMistakes(failure)}
	}
	return newServer(handle), nil
}

func (s *server) derive(changes []byte) (*server, error) {
	handle := s.enter()
	defer s.leave(handle)
	var derived *C.scopegate_server
	var failure *C.scopegate_error
	text := (*C.char)(unsafe.Pointer(unsafe.SliceData(changes)))
	if C.scopegate_server_derive(handle, text, C.size_t(len(changes)), &derived, &failure) != C.SCOPEGATE_OK {
		return nil, &ConfigError{Errors: readMistakes(failure)}
	}
	return newServer(derived), nil
}

// declare makes the server that also asks for what the list declares, and gives the report.
func (s *server) declare(offered []byte) (*server, json.RawMessage, error) {
	handle := s.enter()
	defer s.leave(handle)
	var declared *C.scopegate_server
	var report *C.scopegate_report
	var failure *C.scopegate_error
	text := (*C.char)(unsafe.Pointer(unsafe.SliceData(offered)))
	if C.scopegate_server_declare(handle, text, C.size_t(len(offered)), &declared, &report, &failure) != C.SCOPEGATE_OK {
		return nil, nil, &ConfigError{Errors: readMistakes(failure)}
	}
	defer C.scopegate_report_free(report)
	return newServer(declared), goBytes(C.scopegate_report_text(report)), nil
}

// enter gives the handle for use until leave, or nil once the server was closed: the library refuses that.
func (s *server) enter() *C.scopegate_server {
	for {
		users := s.users.Load()
		if users == 0 {
			return nil
		}
		if s.users.CompareAndSwap(users, users+1) {
			return s.handle
		}
	}
}

func (s *server) leave(handle *C.scopegate_server) {
	if handle != nil {
		s.release()
	}
}

// release ends one use; the one that openServer began ends with Close.
func (s *server) release() {
	if s.users.Add(-1) == 0 {
		C.scopegate_server_free(s.handle)
	}
}

// ask puts a question about a request. Token, wanted and detail are for the questions that take them.
func (s *server) ask(question question, request *Request, token *keptToken, wanted *keyRequest, detail string) reply {
	layout := layOut(request, token)
	defer layout.giveBack()
	var found C.scopegate_go_reply
	s.cross(question, layout, request.Body, wanted, detail, &found)
	return s.readReply(question, &found, layout.spent)
}

func (s *server) cross(
	question question, layout *layout, body []byte, wanted *keyRequest, detail string, found *C.scopegate_go_reply,
) {
	handle := s.enter()
	defer s.leave(handle)
	var partRoom *C.scopegate_str
	var callRoom *C.scopegate_call
	if len(layout.lengths) > C.SCOPEGATE_GO_PARTS {
		partRoom = (*C.scopegate_str)(C.malloc(C.size_t(len(layout.lengths)) * C.sizeof_scopegate_str))
		defer C.free(unsafe.Pointer(partRoom))
	}
	if len(layout.calls) > C.SCOPEGATE_GO_CALLS {
		callRoom = (*C.scopegate_call)(C.malloc(C.size_t(len(layout.calls)) * C.sizeof_scopegate_call))
		defer C.free(unsafe.Pointer(callRoom))
	}
	C.scopegate_go_ask(question, handle, &layout.outline,
		(*C.char)(unsafe.Pointer(unsafe.SliceData(layout.text))), unsafe.SliceData(layout.lengths),
		(*C.char)(unsafe.Pointer(unsafe.SliceData(body))), unsafe.SliceData(layout.calls), wanted.pointer(),
		(*C.char)(unsafe.Pointer(unsafe.StringData(detail))), C.size_t(len(detail)),
		partRoom, callRoom, layout.spent.take(), s.verified.numbers(), found)
}

// readReply trusts the status alone: whatever is not promised by it is not looked at.
func (s *server) readReply(question question, found *C.scopegate_go_reply, spent *spentToken) reply {
	if found.status == C.SCOPEGATE_OK && found.token != nil {
		return s.readAccepted(found, spent)
	}
	defer freeTexts(found)
	switch {
	case question == wellKnown, question == notFound, question == healthOf, question == metricsOf:
		if found.status != C.SCOPEGATE_OK {
			return reply{}
		}
		view, response, ok := readResponse(found.answer)
		if !ok || view.reason.data != nil {
			return reply{answer: readRejected(found.answer)}
		}
		return reply{document: &response}
	case question == require && found.status == C.SCOPEGATE_OK:
		return reply{passed: true}
	case question == callsOf && found.status == C.SCOPEGATE_OK:
		return reply{calls: goBytes(C.scopegate_report_text(found.report))}
	case question == explain && found.status == C.SCOPEGATE_OK:
		text := goString(C.scopegate_report_text(found.text))
		return reply{explained: goBytes(C.scopegate_report_text(found.report)), text: text}
	case found.status == C.SCOPEGATE_NEED_KEYS && found.wanted != nil:
		return reply{wanted: newKeyRequest(found.wanted)}
	case found.status == C.SCOPEGATE_NEED_BODY:
		return reply{needsBody: true}
	}
	return reply{answer: readRejected(found.answer)}
}

// freeTexts crosses for what there is alone: most requests are of no document.
func freeTexts(found *C.scopegate_go_reply) {
	if found.answer != nil {
		C.scopegate_response_free(found.answer)
	}
	if found.report != nil {
		C.scopegate_report_free(found.report)
	}
	if found.text != nil {
		C.scopegate_report_free(found.text)
	}
}

func readRejected(answer *C.scopegate_response) *Rejected {
	view, response, ok := readResponse(answer)
	if !ok {
		return unreadable("a refusal of the library could not be read")
	}
	return &Rejected{
		Reason:  Reason(goString(view.reason)),
		Code:    int(view.code),
		Status:  response.Status,
		Headers: response.Headers,
		Body:    response.Body,
		Detail:  goString(view.detail),
	}
}

func readResponse(answer *C.scopegate_response) (*C.scopegate_go_response, Response, bool) {
	view := new(C.scopegate_go_response)
	if answer == nil {
		return view, Response{}, false
	}
	C.scopegate_go_read_response(answer, view)
	if view.status == 0 || view.header_count > C.SCOPEGATE_GO_HEADERS {
		return view, Response{}, false
	}
	headers := make([]Header, view.header_count)
	for i := range headers {
		headers[i] = Header{Name: goString(view.names[i]), Value: goString(view.values[i])}
	}
	return view, Response{Status: int(view.status), Headers: headers, Body: goBytes(view.body)}, true
}

// readAccepted takes over the token.
func (s *server) readAccepted(found *C.scopegate_go_reply, spent *spentToken) reply {
	spent.token = found.token
	verification := uint64(found.verification)
	if known := s.verified.find(verification); known != nil {
		return reply{token: known.remembered.clone(known)}
	}
	lists := found.lists[:]
	if found.is_read == 0 {
		C.scopegate_go_read_token(found.token, &found.read)
		lists = make([]C.scopegate_str, found.read.scopes+found.read.effective_scopes+found.read.audience)
		C.scopegate_go_read_lists(found.token, &found.read, unsafe.SliceData(lists))
	}
	token := readToken(&found.read, lists)
	if token == nil {
		return reply{answer: unreadable("an access token of the library could not be read")}
	}
	s.verified.remember(verification, token)
	return reply{token: token}
}

// readToken copies what the library lends, with as few allocations as may be. It is nil when a member is missing that
// every token has.
func readToken(view *C.scopegate_go_token, lent []C.scopegate_str) *AccessToken {
	scopes, effective := int(view.scopes), int(view.scopes+view.effective_scopes)
	lent = lent[:effective+int(view.audience)]
	complete := view.issuer.data != nil && view.resource.data != nil && view.claims.data != nil
	size := view.issuer.len + view.subject.len + view.client_id.len + view.resource.len + view.token_id.len +
		view.principal.len + view.claims.len
	for _, text := range lent {
		complete = complete && text.data != nil
		size += text.len
	}
	if !complete {
		return nil
	}
	room := make(texts, 0, size+view.scopes)
	token, lists := newToken(len(lent))
	for _, text := range lent[:scopes] {
		lists = append(lists, room.add(text))
		room = append(room, ' ')
	}
	scope := strings.TrimSuffix(room.since(0), " ")
	for _, text := range lent[scopes:] {
		lists = append(lists, room.add(text))
	}
	*token = AccessToken{
		Issuer:          room.add(view.issuer),
		Subject:         room.add(view.subject),
		ClientID:        room.add(view.client_id),
		Scopes:          lists[:scopes:scopes],
		EffectiveScopes: lists[scopes:effective:effective],
		Audience:        lists[effective:len(lists):len(lists)],
		Resource:        room.add(view.resource),
		ExpiresAt:       time.Unix(int64(view.expires_at), 0),
		TokenID:         room.add(view.token_id),
		Principal:       room.add(view.principal),
	}
	if view.issued_at >= 0 {
		token.IssuedAt = time.Unix(int64(view.issued_at), 0)
	}
	token.kept = &keptToken{
		issuer: token.Issuer, subject: token.Subject, clientID: token.ClientID, tokenID: token.TokenID, scope: scope,
		hasSubject: view.subject.data != nil, hasClientID: view.client_id.data != nil, hasTokenID: view.token_id.data != nil,
	}
	// The last in the room: whoever changes or extends the claims meets nothing else.
	start := len(room)
	room.add(view.claims)
	token.Claims = json.RawMessage(room[start:len(room):len(room)])
	return token
}

// clone is for whoever may change it, lists and claims included.
func (t *AccessToken) clone(kept *keptToken) *AccessToken {
	scopes, effective := len(t.Scopes), len(t.Scopes)+len(t.EffectiveScopes)
	copied, lists := newToken(effective + len(t.Audience))
	lists = append(append(append(lists, t.Scopes...), t.EffectiveScopes...), t.Audience...)
	*copied = *t
	copied.Scopes = lists[:scopes:scopes]
	copied.EffectiveScopes = lists[scopes:effective:effective]
	copied.Audience = lists[effective:len(lists):len(lists)]
	copied.Claims = make(json.RawMessage, len(t.Claims))
	copy(copied.Claims, t.Claims)
	copied.kept = kept
	return copied
}

// newToken gives a token, and beside it room for its lists.
func newToken(listed int) (*AccessToken, []string) {
	const usual = 12
	if listed > usual {
		return new(AccessToken), make([]string, 0, listed)
	}
	both := new(struct {
		token AccessToken
		lists [usual]string
	})
	return &both.token, both.lists[:0]
}

// texts is room for texts of a token. What is in it is not changed.
type texts []byte

// add copies: what the library lends ends with its handle.
func (t *texts) add(text C.scopegate_str) string {
	start := len(*t)
	*t = append(*t, unsafe.Slice((*byte)(unsafe.Pointer(text.data)), int(text.len))...)
	return t.since(start)
}

func (t *texts) since(start int) string {
	added := (*t)[start:]
	return unsafe.String(unsafe.SliceData(added), len(added))
}

// A keyRequest is what a decision waits for. It counts as a waiter until its last user has left.
type keyRequest struct {
	handle *C.scopegate_key_request
	users  atomic.Int64
}

func newKeyRequest(handle *C.scopegate_key_request) *keyRequest {
	wanted := &keyRequest{handle: handle}
	wanted.users.Store(1)
	return wanted
}

func (k *keyRequest) pointer() *C.scopegate_key_request {
	if k == nil {
		return nil
	}
	return k.handle
}

func (k *keyRequest) share() { k.users.Add(1) }

func (k *keyRequest) release() {
	if k.users.Add(-1) == 0 {
		C.scopegate_key_request_free(k.handle)
	}
}

// source tells apart the key sources of one server.
func (k *keyRequest) source() uint64 { return uint64(C.scopegate_key_request_source(k.handle)) }

func (k *keyRequest) longestWait() time.Duration {
	return time.Duration(C.scopegate_key_request_longest_wait_ms(k.handle)) * time.Millisecond
}

// refresh blocks until the keys are there or cannot be had: asking again tells which.
func (s *server) refresh(wanted *keyRequest) {
	handle := s.enter()
	defer s.leave(handle)
	C.scopegate_server_refresh(handle, wanted.handle, nil)
}

func (s *server) startRefresh(wanted *keyRequest) {
	handle := s.enter()
	defer s.leave(handle)
	C.scopegate_server_start_refresh(handle, wanted.handle, nil)
}

func (s *server) warmUp() error {
	handle := s.enter()
	defer s.leave(handle)
	var failure *C.scopegate_error
	if C.scopegate_server_warm_up(handle, &failure) != C.SCOPEGATE_OK {
		return &KeysError{Errors: readMistakes(failure)}
	}
	return nil
}

func (s *server) allowed(token *keptToken, kind CallKind, name string) bool {
	layout := layOut(&Request{}, token)
	defer layout.giveBack()
	layout.outline.kind = C.int32_t(kind)
	var found C.scopegate_go_reply
	s.cross(allowed, layout, nil, nil, name, &found)
	return found.status == C.SCOPEGATE_OK
}

func (s *server) stats() (json.RawMessage, error) {
	handle := s.enter()
	defer s.leave(handle)
	var report *C.scopegate_report
	var failure *C.scopegate_error
	C.scopegate_server_stats(handle, &report, &failure)
	return readReport(report, failure)
}

func (s *server) metrics() (string, error) {
	handle := s.enter()
	defer s.leave(handle)
	var report *C.scopegate_report
	var failure *C.scopegate_error
	C.scopegate_server_metrics(handle, &report, &failure)
	text, err := readReport(report, failure)
	return string(text), err
}

// drainEvents gives JSON lines, and nothing when there are no events.
func (s *server) drainEvents() []byte {
	handle := s.enter()
	defer s.leave(handle)
	var report *C.scopegate_report
	C.scopegate_server_drain_events(handle, &report, nil)
	defer C.scopegate_report_free(report)
	return goBytes(C.scopegate_report_text(report))
}

func (s *server) health() (json.RawMessage, error) {
	handle := s.enter()
	defer s.leave(handle)
	var report *C.scopegate_report
	var failure *C.scopegate_error
	C.scopegate_server_health(handle, &report, &failure)
	return readReport(report, failure)
}

func (s *server) exportKeys() (json.RawMessage, error) {
	handle := s.enter()
	defer s.leave(handle)
	var report *C.scopegate_report
	var failure *C.scopegate_error
	C.scopegate_server_export_keys(handle, &report, &failure)
	return readReport(report, failure)
}

// A keyChange is one of the functions of the library that change which keys answer.
type keyChange int

const (
	distrustKey keyChange = iota
	replaceKeys
	resume
)

// changeKeys takes the kid or the key set as text, which resume has none of.
func (s *server) changeKeys(change keyChange, issuer, text string) error {
	handle := s.enter()
	defer s.leave(handle)
	issuerText, freeIssuer := nativeText(issuer)
	defer freeIssuer()
	otherText, freeOther := nativeText(text)
	defer freeOther()
	var failure *C.scopegate_error
	var status C.scopegate_status
	switch change {
	case distrustKey:
		status = C.scopegate_server_distrust_key(handle, issuerText, otherText, &failure)
	case replaceKeys:
		status = C.scopegate_server_replace_keys(handle, issuerText, otherText, &failure)
	default:
		status = C.scopegate_server_resume(handle, issuerText, &failure)
	}
	if status != C.SCOPEGATE_OK {
		return &ConfigError{Errors: readMistakes(failure)}
	}
	return nil
}

// nativeText is a copy outside Go's memory, and what frees it.
func nativeText(text string) (C.scopegate_str, func()) {
	copied := C.CString(text)
	return C.scopegate_str{data: copied, len: C.size_t(len(text))}, func() { C.free(unsafe.Pointer(copied)) }
}

func readReport(report *C.scopegate_report, failure *C.scopegate_error) (json.RawMessage, error) {
	defer C.scopegate_report_free(report)
	if text := goBytes(C.scopegate_report_text(report)); len(text) > 0 {
		C.scopegate_error_free(failure)
		return text, nil
	}
	return nil, errors.New(lines(readMistakes(failure)))
}

func libraryVersion() string { return goString(C.scopegate_version()) }

// An identity is what a server says of itself.
type identity struct {
	resource, hostname, origin, path, metadataURL string
	leeway                                        time.Duration
	bodyLimit                                     int64
	warnings                                      []string
}

func (s *server) identity() identity {
	handle := s.enter()
	defer s.leave(handle)
	found := identity{
		resource:    goString(C.scopegate_server_resource(handle)),
		hostname:    goString(C.scopegate_server_hostname(handle)),
		origin:      goString(C.scopegate_server_origin(handle)),
		path:        goString(C.scopegate_server_path(handle)),
		metadataURL: goString(C.scopegate_server_metadata_url(handle)),
		leeway:      time.Duration(C.scopegate_server_leeway_seconds(handle)) * time.Second,
		bodyLimit:   int64(min(uint64(C.scopegate_server_body_limit(handle)), math.MaxInt64-1)),
	}
	for i := range C.scopegate_server_warning_count(handle) {
		found.warnings = append(found.warnings, goString(C.scopegate_server_warning_at(handle, i)))
	}
	return found
}

// readMistakes takes over the error.
func readMistakes(failure *C.scopegate_error) []Mistake {
	if failure == nil {
		return []Mistake{{Message: "the library could not say what is wrong"}}
	}
	defer C.scopegate_error_free(failure)
	mistakes := make([]Mistake, C.scopegate_error_count(failure))
	for i := range mistakes {
		mistakes[i] = Mistake{
			Path:    goString(C.scopegate_error_path_at(failure, C.size_t(i))),
			Message: goString(C.scopegate_error_message_at(failure, C.size_t(i))),
		}
	}
	return mistakes
}

// goString copies: what the library lends ends with its handle.
func goString(text C.scopegate_str) string {
	return string(unsafe.Slice((*byte)(unsafe.Pointer(text.data)), int(text.len)))
}

func goBytes(text C.scopegate_str) []byte {
	return []byte(goString(text))
}
