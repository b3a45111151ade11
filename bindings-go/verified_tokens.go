//go:build cgo

package scopegate

// #include "native.h"
import "C"

import (
	"sync/atomic"
	"unsafe"
	"weak"
)

// verifiedTokens are what was read from tokens that came before, by the numbers of their verifications: copying is cheaper
// than reading them again. The library never gives a number twice in a process, so that one token cannot be taken for
// another. Nothing is kept here that nobody uses: each is held weakly, and its place is the next one's that comes to it.
type verifiedTokens struct {
	places [C.SCOPEGATE_GO_REMEMBERED]verifiedPlace
	// The numbers of those that are held, for native.c to see.
	held *[C.SCOPEGATE_GO_REMEMBERED]atomic.Uint64
}

type verifiedPlace struct {
	// The number that came last to this place.
	came atomic.Uint64
	held atomic.Pointer[verifiedToken]
}

type verifiedToken struct {
	verification uint64
	kept         weak.Pointer[keptToken]
}

func newVerifiedTokens() verifiedTokens {
	return verifiedTokens{held: new([C.SCOPEGATE_GO_REMEMBERED]atomic.Uint64)}
}

func (v *verifiedTokens) numbers() *C.uint64_t {
	return (*C.uint64_t)(unsafe.Pointer(&v.held[0]))
}

// find is what was kept of this verification, with what was read, or nil.
func (v *verifiedTokens) find(verification uint64) *keptToken {
	held := v.places[verification%C.SCOPEGATE_GO_REMEMBERED].held.Load()
	if held == nil || held.verification != verification {
		return nil
	}
	return held.kept.Value()
}

// remember keeps a token from its second coming on: most of those that come once do not come again.
func (v *verifiedTokens) remember(verification uint64, token *AccessToken) {
	place := &v.places[verification%C.SCOPEGATE_GO_REMEMBERED]
	if place.came.Swap(verification) != verification {
		return
	}
	token.kept.remembered = token.clone(nil)
	place.held.Store(&verifiedToken{verification, weak.Make(token.kept)})
	v.held[verification%C.SCOPEGATE_GO_REMEMBERED].Store(verification)
}
