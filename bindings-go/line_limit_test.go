//go:build cgo

package scopegate

import (
	"testing"
	"time"
)

func TestLimitAdmitsAgainInTheNextSecondAndTellsWhatItKeptBack(t *testing.T) {
	var limit lineLimit
	now := time.Unix(100, 0)
	for i := range linesPerSecond + 3 {
		if _, admitted := limit.admit("expired", now); admitted != (i < linesPerSecond) {
			t.Errorf("line %d: admitted %v", i, admitted)
		}
	}
	if _, admitted := limit.admit("other", now); !admitted {
		t.Error("another subject was limited too")
	}
	if suppressed, admitted := limit.admit("expired", now.Add(time.Second)); !admitted || suppressed != 3 {
		t.Errorf("found %d, %v", suppressed, admitted)
	}
	if suppressed, _ := limit.admit("expired", now.Add(time.Second)); suppressed != 0 {
		t.Errorf("found %d", suppressed)
	}
}
