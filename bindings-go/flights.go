//go:build cgo

package scopegate

import (
	"context"
	"sync"
	"time"
)

// Flights are the fetches of keys that requests wait for: one for each key source, so that a waiting request holds a
// goroutine and no thread.
type flights struct {
	mu       sync.Mutex
	bySource map[uint64]chan struct{}
}

// wait returns when the fetch of these keys has ended or has taken as long as this request may wait. It fails with
// ctx.Err() when ctx ends first; the fetch goes on for the others.
func (f *flights) wait(ctx context.Context, server *server, wanted *keyRequest) error {
	longest := time.NewTimer(wanted.longestWait())
	defer longest.Stop()
	select {
	case <-f.join(server, wanted):
		return nil
	case <-longest.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// join starts the fetch unless one runs, and gives what is closed at its end.
func (f *flights) join(server *server, wanted *keyRequest) <-chan struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	source := wanted.source()
	if ended, runs := f.bySource[source]; runs {
		return ended
	}
	if f.bySource == nil {
		f.bySource = make(map[uint64]chan struct{})
	}
	ended := make(chan struct{})
	f.bySource[source] = ended
	wanted.share()
	go func() {
		defer wanted.release()
		server.refresh(wanted)
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(f.bySource, source)
		close(ended)
	}()
	return ended
}
