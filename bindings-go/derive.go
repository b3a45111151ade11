//go:build cgo

package scopegate

import (
	"encoding/json"
	"log/slog"
	"runtime"
)

// ResetAll stands for all fields where Derive is told which ones to reset: then the changes are a whole configuration.
const ResetAll = "all"

// Derive makes the ResourceServer that g would be if its configuration were changed: for another resource of the same
// authorization servers, or for a new version of the configuration while requests run. g stays as it is, and each of the two
// is closed by itself.
//
// Each field of changes that is not at its zero value replaces that field whole. The members of the configuration that reset
// names, as JSON has them ("policy"), have their defaults again, unless they are given. The whole is checked like a new
// configuration, with its files read again.
//
// The keys of an authorization server are shared, replaced ones too, unless something has changed that governs where they
// are, or how they are fetched, kept and read; verified tokens are shared unless TokenCache has changed. What was distrusted
// stays so, and so does what was declared. Each server counts its own decisions.
//
// The error is a *ConfigError with every mistake; nothing has been done then.
func (g *ResourceServer) Derive(changes Config, reset ...string) (*ResourceServer, error) {
	document, err := json.Marshal(struct {
		Config
		Reset []string `json:"reset,omitempty"`
	}{changes, reset})
	if err != nil {
		return nil, &ConfigError{Errors: []Mistake{{Path: ".", Message: err.Error()}}}
	}
	return g.derive(document, changes.Logger)
}

// DeriveJSON is Derive with the changes as a JSON object, the same in every language: the members of a configuration that
// change, and the list "reset".
func (g *ResourceServer) DeriveJSON(changes []byte) (*ResourceServer, error) {
	return g.derive(changes, nil)
}

func (g *ResourceServer) derive(changes []byte, logger *slog.Logger) (*ResourceServer, error) {
	defer runtime.KeepAlive(g)
	derived, err := g.server.derive(changes)
	if err != nil {
		return nil, err
	}
	if logger == nil {
		logger = g.log.logger
	}
	return newResourceServer(derived, logger).warned(), nil
}

// FromEnv makes a ResourceServer from the environment. SCOPEGATE_CONFIG is the path of a JSON document, or
// SCOPEGATE_CONFIG_JSON is one. Before it go SCOPEGATE_RESOURCE, SCOPEGATE_AUTHORIZATION_SERVERS (issuers with commas or blanks
// between them, or a JSON list), SCOPEGATE_REQUIRED_SCOPES and SCOPEGATE_SCOPES_SUPPORTED (with blanks between them) and
// SCOPEGATE_KEY_SNAPSHOT (the path of what ExportKeys wrote); before these go the fields of overrides that are not at their
// zero values. A variable that is empty is not set, and others are left alone. No other goroutine may be changing the
// environment.
//
// The error is a *ConfigError with every mistake; the path of one names the variable that it is in.
func FromEnv(overrides Config) (*ResourceServer, error) {
	members, err := json.Marshal(overrides)
	if err != nil {
		return nil, &ConfigError{Errors: []Mistake{{Path: ".", Message: err.Error()}}}
	}
	opened, err := openFromEnvironment(members)
	if err != nil {
		return nil, err
	}
	return newResourceServer(opened, overrides.Logger).warned(), nil
}
