//go:build cgo

package scopegate

import (
	"sync/atomic"
	"weak"
)

// verifiedPlaces is how many tokens are remembered at most.
const verifiedPlaces = 1024

// verifiedTokens are what was read from tokens that came before, by the numbers of their verifications: copying is cheaper
// than reading them again. The library never gives a number twice in a process, so that one token cannot be taken for
// another. Nothing is kept here that nobody uses: each is held weakly, and its place is the next one's that comes to it.
type verifiedTokens struct {
	places [verifiedPlaces]verifiedPlace
}

type verifiedPlace struct {
	// The number that came last to this place.
	came atomic.Uint64
	held atomic.Pointer[verifiedToken]
}

type verifiedToken struct {
	verification uint64
	read         weak.Pointer[tokenHandle]
}

// find is what was read of this verification, or nil.
func (v *verifiedTokens) find(verification uint64) *tokenHandle {
	held := v.places[verification%verifiedPlaces].held.Load()
	if held == nil || held.verification != verification {
		return nil
	}
	return held.read.Value()
}

// remember keeps a token from its second coming on: most of those that come once do not come again.
func (v *verifiedTokens) remember(verification uint64, read *tokenHandle) {
	place := &v.places[verification%verifiedPlaces]
	if place.came.Swap(verification) == verification {
		place.held.Store(&verifiedToken{verification, weak.Make(read)})
	}
}
