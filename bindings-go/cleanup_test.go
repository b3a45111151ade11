//go:build cgo

package scopegate

import (
	"runtime"
	"testing"
	"time"
)

func TestForgottenGateIsFreed(t *testing.T) {
	used := forgottenServer(t)
	for range 100 {
		runtime.GC()
		if used.users.Load() == 0 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("%d users are left", used.users.Load())
}

func TestClosedGateIsFreedOnceItsLastCallHasEnded(t *testing.T) {
	gate, err := New(Config{Resource: "https://mcp.test/mcp", AuthorizationServers: Issuers("https://as.test")})
	if err != nil {
		t.Fatal(err)
	}
	handle := gate.server.enter()
	gate.Close()
	if users := gate.server.users.Load(); users != 1 {
		t.Errorf("%d users while a call runs", users)
	}
	gate.server.leave(handle)
	if gate.server.users.Load() != 0 || gate.server.enter() != nil {
		t.Error("still in use")
	}
}

func forgottenServer(t *testing.T) *server {
	gate, err := New(Config{Resource: "https://mcp.test/mcp", AuthorizationServers: Issuers("https://as.test")})
	if err != nil {
		t.Fatal(err)
	}
	return gate.server
}
