package scopegate_test

import (
	"errors"
	"reflect"
	"testing"

	scopegate "github.com/scopegate/scopegate/bindings-go"
)

const otherResource = "https://mcp.test/other"

func TestDerivedGateHasTheChangesAndTheFirstGoesOn(t *testing.T) {
	gate := newGate(t, scopegate.Config{
		AuthorizationServers: scopegate.Issuers("https://as.test"), Policy: &scopegate.Policy{Default: scopegate.Deny},
	})
	other, err := gate.Derive(scopegate.Config{Resource: otherResource}, "policy")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if other.Resource() != otherResource || gate.Resource() == otherResource {
		t.Error(other.Resource(), gate.Resource())
	}
	expectPaths(t, mistaken(gate.Derive(scopegate.Config{Resource: "x"}, "leeway")), "reset[0]", "resource")
	expectPaths(t, mistaken(gate.DeriveJSON([]byte(`{"policy": null}`))), "policy")
	_, _, err = gate.Declare([]scopegate.Offered{{Kind: scopegate.KindTool, Name: "weather", Scopes: scopegate.Need("a b")}})
	expectPaths(t, err, "tools.weather[0]")
}

func TestEnvironmentIsThatOfTheProcess(t *testing.T) {
	t.Setenv("SCOPEGATE_RESOURCE", otherResource)
	t.Setenv("SCOPEGATE_AUTHORIZATION_SERVERS", "https://a.test,https://b.test")
	gate, err := scopegate.FromEnv(scopegate.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer gate.Close()
	if gate.Resource() != otherResource {
		t.Error(gate.Resource())
	}
	t.Setenv("SCOPEGATE_RESOURCE", "ftp://x")
	expectPaths(t, mistaken(scopegate.FromEnv(scopegate.Config{})), "SCOPEGATE_RESOURCE")
}

func mistaken(_ *scopegate.ResourceServer, err error) error { return err }

func expectPaths(t *testing.T, err error, paths ...string) {
	t.Helper()
	var refused *scopegate.ConfigError
	if !errors.As(err, &refused) {
		t.Fatal(err)
	}
	found := []string{}
	for _, mistake := range refused.Errors {
		found = append(found, mistake.Path)
	}
	if !reflect.DeepEqual(found, paths) {
		t.Errorf("expected %v, found %v", paths, found)
	}
}
