// The package's own surface: arguments, results, errors, and what a caught panic becomes.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { describe, test } from "node:test";
import { AccessToken, ConfigError, HttpResponse, Rejected, ResourceServer, version } from "scopegate";
import { Issuer } from "scopegate/testing";
import { refusalIn, thrown } from "./shared/decisions.mjs";
import { keyServer } from "./shared/http.mjs";

const require = createRequire(import.meta.url);
const RESOURCE = "https://mcp.test/mcp";
const issuer = new Issuer({ resource: RESOURCE });

function makeGate(configuration = {}, options = undefined) {
  return new ResourceServer(
    { resource: RESOURCE, authorization_servers: [issuer.server()], ...configuration },
    options,
  );
}

describe("ResourceServer", () => {
  test("is one class for ESM and CommonJS", () => {
    const common = require("scopegate");
    assert.equal(common.ResourceServer, ResourceServer);
    assert.equal(common.Rejected, Rejected);
    assert.equal(require("scopegate/testing").Issuer, Issuer);
  });

  test("has the version of its package", () => {
    assert.equal(version, require("scopegate/package.json").version);
    assert.equal(require("scopegate").version, version);
  });

  test("describes its resource", () => {
    const gate = makeGate();
    assert.deepEqual(
      [gate.resource, gate.metadataUrl, gate.hostname, gate.origin, gate.path],
      [RESOURCE, "https://mcp.test/.well-known/oauth-protected-resource/mcp", "mcp.test", "https://mcp.test", "/mcp"],
    );
  });

  test("names every mistake of a configuration at once, and takes no key that it does not know", () => {
    const error = thrown(() => makeGate({ resource: "http://mcp.test", leewaySeconds: 5, leeway_seconds: -1 }));
    assert.ok(error instanceof ConfigError);
    const paths = error.errors.map(({ path }) => path);
    assert.deepEqual(paths.sort(), ["leewaySeconds", "leeway_seconds", "resource"]);
    for (const path of paths) assert.ok(error.message.includes(`${path}: `));
  });

  test("refuses values that JSON would drop or change: a missing setting could be a safeguard", () => {
    const wrong = [
      [{ required_scopes: undefined }, "required_scopes"],
      [{ required_scopes: ["a", undefined] }, "required_scopes[1]"],
      [{ leeway_seconds: NaN }, "leeway_seconds"],
      [{ leeway_seconds: 5n }, "leeway_seconds"],
      [{ policy: { default: [], tools: new Map() } }, "policy.tools"],
      [{ resource: new URL(RESOURCE) }, "resource"],
    ];
    for (const [configuration, path] of wrong) {
      const error = thrown(() => makeGate(configuration));
      assert.ok(error instanceof ConfigError);
      assert.deepEqual(
        error.errors.map((mistake) => mistake.path),
        [path],
      );
    }
  });

  test("says of a variable that nobody set what it is", () => {
    const { errors } = thrown(() => makeGate({ resource: process.env.NOBODY_SETS_THIS }));
    assert.deepEqual(
      errors.map(({ path, message }) => `${path}: ${message}`),
      ["resource: expected a value, not undefined: leave the member out, or set the variable that it comes from"],
    );
    assert.match(thrown(() => new ResourceServer()).message, /^\.: expected a value, not undefined/);
  });

  test("reads its configuration from JSON text", () => {
    const gate = ResourceServer.fromJson(
      JSON.stringify({ resource: RESOURCE, authorization_servers: [issuer.server()] }),
    );
    assert.equal(gate.resource, RESOURCE);
    assert.ok(thrown(() => ResourceServer.fromJson("{")) instanceof ConfigError);
    assert.ok(thrown(() => ResourceServer.fromJson({})) instanceof TypeError);
  });

  test("judges at the time that it is given", async () => {
    const gate = makeGate();
    const authorization = issuer.authorization({ exp: 2000, iat: 1000 });
    assert.equal((await gate.authorize({ authorization, now: 1500 })).expiresAt, 2000);
    assert.equal((await refusalIn(gate.authorize({ authorization }))).reason, "expired");
  });

  test("an argument of the wrong type is an error that does not show it", async () => {
    const gate = makeGate();
    const secret = "secret-token";
    const wrong = [
      { authorization: [secret, 7] },
      { authorization: Buffer.from(secret) },
      { authorisation: secret },
      { body: { text: secret } },
      { body: "", calls: [] },
      { scopes: secret },
      { calls: [{ method: 7 }] },
      { now: "1" },
      { now: 1.5 },
    ];
    for (const details of wrong) {
      for (const error of [await gate.authorize(details).catch((it) => it), thrown(() => gate.check(details))]) {
        assert.ok(error instanceof TypeError, JSON.stringify(details));
        assert.ok(!error.message.includes(secret));
      }
    }
    assert.ok(thrown(() => gate.check({ body: async () => "" })) instanceof TypeError);
  });

  test("characters that are no bytes make no other token of it", async () => {
    const [header, payload, signature] = issuer.mint().split(".");
    const disguised = `Bearer ${header}.${payload}.${signature.slice(0, -1)}${String.fromCharCode(0x100 + signature.charCodeAt(signature.length - 1))}`;
    assert.equal((await refusalIn(makeGate().authorize({ authorization: disguised }))).reason, "malformed_token");
  });

  // T65 (tests/attacks.md)
  test("several Authorization lines are several credentials", async () => {
    const authorization = [issuer.authorization(), issuer.authorization()];
    const refused = await refusalIn(makeGate().authorize({ authorization }));
    assert.deepEqual([refused.reason, refused.status], ["multiple_credentials", 400]);
  });

  test("the body is asked for only when the token is good and the body decides", async () => {
    const asked = [];
    const body = async (limit) => {
      asked.push(limit);
      return JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: "weather" } });
    };
    const gate = makeGate({ policy: { default: "deny", tools: { weather: [] }, max_body_bytes: 1000 } });
    await refusalIn(gate.authorize({ method: "POST", body }));
    await refusalIn(
      gate.authorize({ authorization: issuer.authorization({ expires_in: -3600 }), method: "POST", body }),
    );
    assert.deepEqual(asked, []);
    await gate.authorize({ authorization: issuer.authorization(), method: "POST", body });
    assert.deepEqual(asked, [1000]);
    await makeGate().authorize({ authorization: issuer.authorization(), method: "POST", body });
    assert.deepEqual(asked, [1000]);
  });

  test("a body that decides and is not handed in is a fault of the program", async () => {
    const gate = makeGate({ policy: { default: [] } });
    const refused = await refusalIn(gate.authorize({ authorization: issuer.authorization(), method: "POST" }));
    assert.deepEqual([refused.reason, refused.status], ["internal", 500]);
    assert.match(refused.detail, /body/);
  });

  test("an error of the function that reads the body reaches the caller", async () => {
    const gate = makeGate({ policy: { default: [] } });
    const broken = new Error("the client has left");
    const body = async () => {
      throw broken;
    };
    await assert.rejects(gate.authorize({ authorization: issuer.authorization(), method: "POST", body }), broken);
  });

  test("calls stand in for a body that the host has parsed", async () => {
    const gate = makeGate({ policy: { default: "deny", tools: { weather: [] } } });
    const authorization = issuer.authorization();
    const call = (name, id) => ({ authorization, method: "POST", calls: [{ method: "tools/call", name, id }] });
    await gate.authorize(call("weather", 1));
    assert.match((await refusalIn(gate.authorize(call("erase", 7)))).body, /"id":7/);
    assert.match((await refusalIn(gate.authorize(call("erase", "a")))).body, /"id":"a"/);
    for (const unknown of [-0, 1.5, 2 ** 60, NaN, true, null, {}, undefined]) {
      assert.doesNotMatch((await refusalIn(gate.authorize(call("erase", unknown)))).body, /jsonrpc/);
    }
  });

  test("a body in memory that others can write to is copied", async () => {
    const gate = makeGate({ policy: { default: [] } });
    const body = new Uint8Array(new SharedArrayBuffer(2)).fill(0x20);
    assert.equal(
      (await refusalIn(gate.authorize({ authorization: issuer.authorization(), body }))).reason,
      "malformed_call",
    );
  });

  test("require checks a further need, allowed filters lists", async () => {
    const gate = makeGate({ policy: { default: "deny", tools: { weather: ["w"], "send_*": ["s"] } } });
    const calls = [{ method: "ping" }];
    const token = await gate.authorize({ authorization: issuer.authorization({ scope: "w x" }), calls });
    gate.require(token, { scopes: ["x"] });
    const refused = thrown(() => gate.require(token, { scopes: ["y"] }));
    assert.ok(refused instanceof Rejected);
    assert.deepEqual([refused.reason, refused.status], ["insufficient_scope", 403]);
    assert.deepEqual(
      ["weather", "send_email", "other"].map((name) => gate.allowed(token, "tools", name)),
      [true, false, false],
    );
    assert.ok(thrown(() => gate.allowed(token, "tool", "weather")) instanceof TypeError);
    assert.ok(thrown(() => gate.allowed({ ...token }, "tools", "weather")) instanceof TypeError);
    assert.ok(thrown(() => gate.require({ scopes: ["y"] }, { scopes: ["y"] })) instanceof TypeError);
  });

  test("wellKnown answers the metadata and preflights, and nothing else", () => {
    const gate = makeGate({ cors_origins: ["https://app.test"] });
    const document = gate.wellKnown("GET", "/.well-known/oauth-protected-resource/mcp?x");
    assert.ok(document instanceof HttpResponse);
    assert.equal(JSON.parse(document.body).resource, RESOURCE);
    assert.equal(gate.wellKnown("GET", "/mcp"), undefined);
    const asked = { accessControlRequestMethod: "POST", accessControlRequestHeaders: "mcp-param-x" };
    const preflight = gate.wellKnown("OPTIONS", "/mcp", "https://app.test", asked);
    assert.equal(preflight.status, 204);
    assert.equal(gate.wellKnown("OPTIONS", "/mcp", "https://app.test"), undefined);
  });

  test("stats and health are plain objects", async () => {
    const gate = makeGate();
    await gate.authorize({ authorization: issuer.authorization() });
    await refusalIn(gate.authorize());
    const { accepted, refused } = gate.stats();
    assert.deepEqual({ accepted, refused }, { accepted: 1, refused: { missing_token: 1 } });
    assert.equal(gate.health().status, "ok");
  });

  test("onRefusal sees each refusal, and its own errors change nothing", async () => {
    const seen = [];
    const gate = makeGate({}, { onRefusal: (refused) => seen.push(refused.reason) });
    await refusalIn(gate.authorize());
    thrown(() => gate.check({ authorization: "Bearer x" }));
    assert.deepEqual(seen, ["missing_token", "malformed_token"]);
    const failing = () => {
      throw new Error("of the host");
    };
    assert.equal((await refusalIn(makeGate({}, { onRefusal: failing }).authorize())).reason, "missing_token");
    assert.ok(thrown(() => makeGate({}, { onRefusal: 7 })) instanceof TypeError);
  });
});

describe("AccessToken", () => {
  test("says what the token says, and cannot be changed or made", async () => {
    const gate = makeGate({ scope_implications: { a: ["b"] } });
    const token = await gate.authorize({
      authorization: issuer.authorization({
        scope: "a",
        sub: "alice",
        client_id: "app",
        jti: "1",
        extra: { deep: [1] },
      }),
    });
    assert.ok(token instanceof AccessToken);
    assert.deepEqual(
      [token.issuer, token.subject, token.clientId, token.tokenId, token.resource, token.principal],
      [issuer.issuer, "alice", "app", "1", RESOURCE, `${issuer.issuer} alice`],
    );
    assert.deepEqual([token.scopes, token.effectiveScopes, token.audience], [["a"], ["a", "b"], [RESOURCE]]);
    assert.deepEqual(token.claims.extra, { deep: [1] });
    token.claims.extra.deep.push(2);
    assert.deepEqual(token.claims.extra, { deep: [1] });
    for (const change of [() => (token.subject = "bob"), () => token.scopes.push("c")]) {
      assert.ok(thrown(change) instanceof TypeError);
    }
    assert.ok(thrown(() => new AccessToken()) instanceof TypeError);
    assert.ok(!JSON.stringify(token).includes("eyJ"));
  });

  test("its claims are parsed only when they are read", async (t) => {
    const gate = makeGate();
    const authorization = issuer.authorization({ extra: 1 });
    const parse = t.mock.method(JSON, "parse");
    const token = await gate.authorize({ authorization });
    assert.ok(token.scopes.length + token.audience.length > 0);
    assert.equal(parse.mock.callCount(), 0);
    assert.equal(token.claims.extra, 1);
    assert.equal(parse.mock.callCount(), 1);
  });

  test("what the token does not have is undefined", async () => {
    const server = { ...issuer.server(), token_format: "generic" };
    const gate = makeGate({ authorization_servers: [server] });
    const authorization = issuer.authorization({ sub: null, client_id: null, jti: null, iat: null, scope: "a" });
    const { subject, clientId, issuedAt, tokenId, principal } = await gate.authorize({ authorization });
    assert.deepEqual([subject, clientId, issuedAt, tokenId, principal], Array(5).fill(undefined));
  });
});

describe("Rejected", () => {
  test("is a response that is ready to send", async () => {
    const refused = await refusalIn(makeGate().authorize());
    const response = refused.toResponse();
    assert.equal(response.status, 401);
    assert.equal(
      response.headers.get("www-authenticate"),
      refused.headers.find(([name]) => name === "WWW-Authenticate")[1],
    );
    assert.equal(await response.text(), refused.body);
    assert.deepEqual(
      [refused.code, refused.unavailable, refused.message],
      [2001, false, `missing_token: ${refused.detail}`],
    );
  });

  // T55 (tests/attacks.md)
  test("nothing of the token is in it", async () => {
    const token = issuer.mint({ aud: "https://other.test", sub: "someone" });
    const refused = await refusalIn(makeGate().authorize({ authorization: `Bearer ${token}` }));
    const text = JSON.stringify([refused, refused.message, refused.stack]);
    for (const part of [...token.split("."), "other.test", "someone"]) assert.ok(!text.includes(part));
  });
});

describe("a panic", () => {
  const hooked = require("../build/scopegate.test-hooks.node");
  const { resourceServerOver } = require("../lib/resource-server.js");
  const Hooked = resourceServerOver(hooked);
  const hookedIssuer = hooked.issuer(RESOURCE);
  const servers = [JSON.parse(hooked.issuerServer(hookedIssuer))];
  const authorization = () => `Bearer ${hooked.mint(hookedIssuer, "{}")}`;

  function assertInternal(error) {
    assert.ok(error instanceof Rejected, String(error));
    assert.deepEqual([error.reason, error.code, error.status], ["internal", 9001, 500]);
    assert.equal(error.body, '{"error":"server_error","error_description":"Internal error"}');
    assert.ok(!error.message.includes("asked for by a test"));
  }

  test("in a check is a refusal, and the next request is judged", async () => {
    const gate = new Hooked({ resource: RESOURCE, authorization_servers: servers });
    hooked.panicAt("check");
    assertInternal(await gate.authorize({ authorization: authorization() }).catch((error) => error));
    hooked.panicAt("check");
    assertInternal(thrown(() => gate.check({ authorization: authorization() })));
    assert.equal((await gate.authorize({ authorization: authorization() })).resource, RESOURCE);
  });

  test("in a function that decides nothing is a refusal too", () => {
    const gate = new Hooked({ resource: RESOURCE, authorization_servers: servers });
    hooked.panicAt("well_known");
    assertInternal(thrown(() => gate.wellKnown("GET", "/")));
    assert.equal(gate.wellKnown("GET", "/"), undefined);
  });

  test("in a fetch on the pool refuses those that wait for it, and the next request is judged", async (t) => {
    const keys = await keyServer(t, servers[0].jwks);
    const fetching = [{ issuer: servers[0].issuer, jwks_uri: keys.jwksUri }];
    const gate = new Hooked({ resource: RESOURCE, authorization_servers: fetching });
    hooked.panicAt("refresh");
    const waiting = Array.from({ length: 3 }, () => gate.authorize({ authorization: authorization() }));
    for (const one of await Promise.allSettled(waiting)) assertInternal(one.reason);
    assert.equal((await gate.authorize({ authorization: authorization() })).resource, RESOURCE);
  });

  test("cannot be asked for in what is shipped", () => {
    assert.equal(require("../lib/native.js").panicAt, undefined);
  });
});
