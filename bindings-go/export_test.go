//go:build cgo

package scopegate

// Absent tells which of a token's texts the library says are absent, which the fields do not tell from empty ones.
func (t *AccessToken) Absent() (subject, clientID, tokenID, principal bool) {
	view := t.handle.view()
	return view.subject.data == nil, view.client_id.data == nil, view.token_id.data == nil, view.principal.data == nil
}
