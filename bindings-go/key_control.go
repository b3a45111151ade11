//go:build cgo

package scopegate

import (
	"encoding/json"
	"runtime"
)

// DistrustKey distrusts the keys that an issuer publishes under a kid: from the return on, every call of this process
// refuses tokens that name it as ReasonUnknownKey, in an outage too, and no keys that are held, fetched, imported or
// replaced answer with it, under another kid or none either. There is no way back but a restart; Config.DistrustedKeys
// outlives that.
//
// The issuer is any issuer of the configuration, compared exactly. The error is a *ConfigError, and nothing has changed
// then. Not done here: tokens that the program has accepted before stay accepted wherever it remembers them.
func (g *ResourceServer) DistrustKey(issuer, kid string) error {
	defer runtime.KeepAlive(g)
	return g.server.changeKeys(distrustKey, issuer, kid)
}

// ReplaceKeys puts the keys of a JWK Set in the place of an issuer's: from the return on they alone answer, in this
// process. They do not age, the fetch that runs is discarded, and none starts before Resume. They must meet the
// configuration like fetched ones, and at least one must be usable and not distrusted.
//
// The error is a *ConfigError, and nothing has changed then.
func (g *ResourceServer) ReplaceKeys(issuer string, jwks json.RawMessage) error {
	defer runtime.KeepAlive(g)
	return g.server.changeKeys(replaceKeys, issuer, string(jwks))
}

// Resume ends ReplaceKeys: a fetch is due at once, and the replaced keys are used until it brings the issuer's; keys that
// are in the configuration are back at once. It does nothing where no keys were replaced.
//
// The error is a *ConfigError, and nothing has changed then.
func (g *ResourceServer) Resume(issuer string) error {
	defer runtime.KeepAlive(g)
	return g.server.changeKeys(resume, issuer, "")
}

// ExportKeys are the keys that are held and came from their issuers, for Keys.Snapshot: a process that begins with them
// needs no fetch. They hold no secret, but whoever can change them can make tokens: keep them like the configuration.
//
// Not in it: keys that are distrusted, too old, replaced or from the configuration, and what is distrusted.
func (g *ResourceServer) ExportKeys() (json.RawMessage, error) {
	defer runtime.KeepAlive(g)
	return g.server.exportKeys()
}
