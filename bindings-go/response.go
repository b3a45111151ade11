//go:build cgo

package scopegate

import "net/http"

// A Header is one header field of a response.
type Header struct {
	Name, Value string
}

// A Response is ready to send: a refusal, or a well-known document.
type Response struct {
	// Status is the HTTP status code.
	Status int
	// Headers are the header fields in their order.
	Headers []Header
	// Body may be empty.
	Body []byte
}

// ServeHTTP sends the response. Fields of the same name that w has already are replaced, but Vary is added to.
func (r *Response) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	for _, header := range r.Headers {
		if header.Name == "Vary" {
			w.Header().Add(header.Name, header.Value)
		} else {
			w.Header().Set(header.Name, header.Value)
		}
	}
	w.WriteHeader(r.Status)
	if len(r.Body) > 0 {
		_, _ = w.Write(r.Body) // it fails when the client has left: nobody is there to be told
	}
}
