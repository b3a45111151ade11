//go:build cgo

package scopegate

// Absent tells which of a token's texts the library says are absent, which the fields do not tell from empty ones.
func (t *AccessToken) Absent() (subject, clientID, tokenID, principal bool) {
	return !t.kept.hasSubject, !t.kept.hasClientID, !t.kept.hasTokenID, t.Principal == ""
}
