//go:build cgo

package scopegate

// #include "native.h"
import "C"

// A keptToken is what the library asks of a token when it decides on it again. Whoever has the AccessToken may change what
// it says; this stays. The library's own token is freed as soon as it was read: the garbage collector would keep it for
// long, and memory of C that is freed so late costs more than to verify a signature adds.
type keptToken struct {
	issuer, subject, clientID, tokenID  string
	hasSubject, hasClientID, hasTokenID bool
	scope                               string
	// A copy of what the token says, if it is remembered. Nobody changes it.
	remembered *AccessToken
}

// addToken is for the questions about a token. One that the library did not make is none, and refused.
func (l *layout) addToken(token *keptToken) {
	if token == nil {
		return
	}
	l.outline.has_token = 1
	l.add(token.issuer)
	l.add(token.scope)
	l.outline.token_has_subject = l.addIf(token.hasSubject, token.subject)
	l.outline.token_has_client_id = l.addIf(token.hasClientID, token.clientID)
	l.outline.token_has_id = l.addIf(token.hasTokenID, token.tokenID)
}

func (l *layout) addIf(present bool, part string) C.int32_t {
	if present {
		l.add(part)
	}
	return flag(present)
}

// verified is what was kept of the library's token; nil for a token that it did not make.
func (t *AccessToken) verified() *keptToken {
	if t == nil {
		return nil
	}
	return t.kept
}
