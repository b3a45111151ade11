//go:build cgo

package scopegate

import (
	"net/http"
	"strings"
)

// Rejected says that a request was refused. It carries the whole response; send that unchanged.
//
// No byte of the token is in it, so it may be logged.
type Rejected struct {
	// Reason is why, for operators and tests. The wire shows one fixed text for each class of reasons.
	Reason Reason
	// Code is the number of the reason, the same in every language.
	Code int
	// Status is the status code of the response.
	Status int
	// Headers are the header fields of the response, in their order.
	Headers []Header
	// Body is the body of the response.
	Body []byte
	// Detail is a sentence for the operator that says what was expected. It must not be sent.
	Detail string
}

// Error is the reason and the detail.
func (r *Rejected) Error() string {
	return string(r.Reason) + ": " + r.Detail
}

// Unavailable is whether nothing was judged, because the keys are not to be had now: a case for an alert.
func (r *Rejected) Unavailable() bool {
	return r.Reason == ReasonKeysUnavailable
}

// Response is Status, Headers and Body together.
func (r *Rejected) Response() *Response {
	return &Response{Status: r.Status, Headers: r.Headers, Body: r.Body}
}

// ServeHTTP sends the response.
func (r *Rejected) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	r.Response().ServeHTTP(w, request)
}

// unreadable refuses where the library gave nothing to refuse with, which takes a second fault inside it.
func unreadable(detail string) *Rejected {
	return &Rejected{Reason: ReasonInternal, Code: codeInternal, Status: http.StatusInternalServerError, Detail: detail}
}

// A Mistake is one thing that is wrong, and where.
type Mistake struct {
	// Path is the field of the configuration, such as "authorization_servers[0].issuer", the argument, or the issuer whose
	// keys are missing.
	Path string
	// Message is what is expected there, or what happened.
	Message string
}

// ConfigError says that a configuration, or a change of keys, was refused. Nothing was started or changed.
type ConfigError struct {
	// Errors are all its mistakes, at least one.
	Errors []Mistake
}

// Error has one line for each mistake.
func (e *ConfigError) Error() string { return lines(e.Errors) }

// KeysError says that keys could not be fetched.
type KeysError struct {
	// Errors has an entry for each issuer whose keys are missing, with the step that failed.
	Errors []Mistake
}

// Error has one line for each issuer.
func (e *KeysError) Error() string { return lines(e.Errors) }

func lines(mistakes []Mistake) string {
	text := make([]string, len(mistakes))
	for i, mistake := range mistakes {
		text[i] = strings.TrimPrefix(mistake.Path+": "+mistake.Message, ": ")
	}
	return strings.Join(text, "\n")
}
