// What is kept of a verified token: the whole of it, and nothing that a program can change or make decides.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { AccessToken, ResourceServer } from "scopegate";
import { Issuer } from "scopegate/testing";
import { reasonOf } from "./shared/decisions.mjs";

const RESOURCE = "https://mcp.test/mcp";
const issuer = new Issuer({ resource: RESOURCE });
const POLICY = { default: [], tools: { weather: ["a"], erase: ["admin"] } };

function makeGate(more = {}) {
  return new ResourceServer({ resource: RESOURCE, authorization_servers: [issuer.server()], ...more });
}

/** Runs `work` in a program that took away what makes an object unchangeable. */
function withoutFreezing(work) {
  const { freeze } = Object;
  Object.freeze = (object) => object;
  try {
    return work();
  } finally {
    Object.freeze = freeze;
  }
}

function isJudgedByWhatItSaid(gate, token) {
  for (const [scope, reason] of [
    ["a", undefined],
    ["b", undefined],
    ["admin", "insufficient_scope"],
  ]) {
    assert.equal(
      reasonOf(() => gate.require(token, { scopes: [scope] })),
      reason,
      scope,
    );
  }
  assert.equal(gate.allowed(token, "tools", "weather"), true);
  assert.equal(gate.allowed(token, "tools", "erase"), false);
}

describe("a token that a program tries to change", () => {
  const authorization = issuer.authorization({ sub: "alice", scope: "a b" });

  test("cannot be changed, and is judged by what it said", () => {
    const gate = makeGate({ policy: POLICY });
    for (let round = 0; round < 4; round += 1) {
      const token = gate.check({ authorization, body: "" });
      assert.throws(() => (token.scopes = ["admin"]), TypeError);
      assert.throws(() => token.scopes.push("admin"), TypeError);
      assert.throws(() => token.effectiveScopes.push("admin"), TypeError);
      assert.throws(() => Object.defineProperty(token, "issuer", { value: "https://mallory.test" }), TypeError);
      isJudgedByWhatItSaid(gate, token);
    }
  });

  test("is judged by what it said where nothing can be frozen", () => {
    const gate = makeGate({ policy: POLICY });
    const other = issuer.authorization({ sub: "bob", scope: "b a" });
    const token = withoutFreezing(() => gate.check({ authorization: other, body: "" }));
    token.scopes.push("admin");
    Object.assign(token, { scopes: ["admin"], effectiveScopes: ["admin"], subject: "mallory" });
    isJudgedByWhatItSaid(gate, token);
  });
});

test("an object that the library did not make is refused, whatever it says", () => {
  const gate = makeGate({ policy: POLICY });
  const token = gate.check({ authorization: issuer.authorization({ scope: "a b" }), body: "" });
  const likeIt = Object.create(AccessToken.prototype, Object.getOwnPropertyDescriptors(token));
  const forged = [
    undefined,
    null,
    "token",
    {},
    { ...token, scopes: ["admin"] },
    { kept: { issuer: issuer.issuer, scope: "admin" }, issuer: issuer.issuer, scopes: ["admin"] },
    Object.create(token),
    Object.setPrototypeOf({ scopes: ["admin"] }, token),
    likeIt,
    structuredClone({ ...token }),
    new Proxy(token, { get: () => ["admin"] }),
  ];
  for (const object of forged) {
    assert.throws(() => gate.require(object), { name: "TypeError", message: "token: expected an AccessToken" });
    assert.throws(() => gate.allowed(object, "tools", "weather"), { message: "token: expected an AccessToken" });
  }
  assert.equal(likeIt instanceof AccessToken, true);
  assert.throws(() => new AccessToken(Symbol("made by a resource server"), token), TypeError);
  assert.throws(() => new (class extends AccessToken {})(), TypeError);
});

test("a token of one server is judged by the need of another where it is used", () => {
  const token = makeGate().check({ authorization: issuer.authorization({ scope: "a b" }) });
  const other = new ResourceServer({
    resource: "https://other.test/mcp",
    authorization_servers: [issuer.server()],
    required_scopes: ["c"],
  });
  assert.equal(
    reasonOf(() => other.require(token)),
    "insufficient_scope",
  );
  assert.equal(
    reasonOf(() => makeGate().require(token, { scopes: ["b"] })),
    undefined,
  );
});

test("a refusal of require is told with whose token it was", () => {
  const gate = makeGate({ events: {} });
  const token = gate.check({
    authorization: issuer.authorization({ sub: "älice\u{1f600}", client_id: "app", jti: "id-7", scope: "a" }),
  });
  reasonOf(() => gate.require(token, { scopes: ["admin"] }));
  const told = gate.drainEvents().map((event) => [event.issuer, event.subject, event.client_id, event.token]);
  assert.deepEqual(told[1], told[0]);
  assert.deepEqual(told[1].slice(0, 3), [issuer.issuer, "älice\u{1f600}", "app"]);
  assert.equal(typeof told[1][3], "string");
});

describe("a token is read whole", () => {
  test("with many scopes", () => {
    const gate = makeGate();
    for (const count of [0, 1, 11, 12, 13, 30, 200]) {
      const scopes = Array.from({ length: count }, (_, number) => `scope:${number}`);
      const authorization = issuer.authorization({ scope: scopes.join(" ") });
      for (let round = 0; round < 3; round += 1) {
        const token = gate.check({ authorization });
        assert.deepEqual(token.scopes, scopes);
        assert.deepEqual(token.effectiveScopes, scopes);
        assert.deepEqual(token.audience, [RESOURCE]);
        gate.require(token, { scopes });
      }
    }
  });

  test("with texts of every width, empty ones and several audiences", () => {
    const gate = makeGate();
    const texts = ["alice", "ä", "日本", "\u{1f600}", "a\u{1f600}ä日", 'tab\tquote"', "x".repeat(3000)];
    for (const [at, sub] of texts.entries()) {
      const claims = { sub, client_id: `${sub}-app`, jti: `${sub}-id`, aud: [RESOURCE, sub], scope: `s${at} a` };
      const authorization = issuer.authorization(claims);
      for (let round = 0; round < 3; round += 1) {
        const token = gate.check({ authorization });
        assert.deepEqual(
          [token.issuer, token.subject, token.clientId, token.tokenId, token.audience, token.scopes, token.resource],
          [issuer.issuer, sub, `${sub}-app`, `${sub}-id`, [RESOURCE, sub], [`s${at}`, "a"], RESOURCE],
        );
        assert.equal(token.principal, `${issuer.issuer} ${sub}`);
        assert.equal(token.claims.sub, sub);
        gate.require(token, { scopes: ["a"] });
      }
    }
  });
});
