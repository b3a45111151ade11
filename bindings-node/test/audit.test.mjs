// Audit events and metrics: what an operator is told of each decision.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { ResourceServer } from "scopegate";
import { Issuer } from "scopegate/testing";

const RESOURCE = "https://mcp.test/mcp";
const issuer = new Issuer({ resource: RESOURCE });
const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: "weather" } });

const gateOf = (events) =>
  new ResourceServer({
    resource: RESOURCE,
    authorization_servers: [issuer.server()],
    policy: { default: "deny", tools: { weather: ["weather"] } },
    ...(events === undefined ? {} : { events }),
  });

async function decide(gate, scope) {
  const authorization = issuer.authorization({ sub: "alice", scope });
  await gate.authorize({ method: "POST", authorization, body }).catch(() => undefined);
}

test("events say who asked for what and what was decided", async () => {
  const gate = gateOf({});
  await decide(gate, "weather");
  await decide(gate, "other");
  const [accepted, refused, ...rest] = gate.drainEvents();
  assert.deepEqual(rest, []);
  assert.deepEqual([accepted.outcome, accepted.reason], ["accepted", null]);
  assert.deepEqual([refused.outcome, refused.reason], ["refused", "insufficient_scope"]);
  for (const event of [accepted, refused]) {
    assert.equal(event.subject, "alice");
    assert.deepEqual(event.scopes_needed, ["weather"]);
    assert.deepEqual(event.calls, [{ method: "tools/call", name: "weather" }]);
  }
  assert.deepEqual(gate.drainEvents(), []);
});

test("without events in the configuration there are none", async () => {
  const gate = gateOf(undefined);
  await decide(gate, "weather");
  assert.deepEqual(gate.drainEvents(), []);
});

test("a listener is told of each event, and of those that wait when it ends", { timeout: 30_000 }, async () => {
  const gate = gateOf({});
  const told = [];
  const end = gate.onEvent((event) => told.push(event.outcome), { interval: 1 });
  await decide(gate, "weather");
  while (told.length === 0) await new Promise((resolve) => setTimeout(resolve, 2));
  await decide(gate, "other");
  end();
  assert.deepEqual(told, ["accepted", "refused"]);
  assert.throws(() => gate.onEvent(undefined), TypeError);
  assert.throws(() => gate.onEvent(() => undefined, { interval: 0 }), RangeError);
});

test("a listener that throws is told of the other events all the same, and what it threw is not hidden", async () => {
  const gate = gateOf({});
  const told = [];
  const listener = ({ outcome, scopes_granted }) => {
    told.push(`${outcome} ${scopes_granted}`);
    if (outcome === "refused") throw new Error(`no room for ${scopes_granted}`);
  };
  const end = gate.onEvent(listener, { interval: 3_600_000 });
  for (const scope of ["first", "weather", "last"]) await decide(gate, scope);
  assert.throws(
    end,
    ({ errors }) => errors.map(({ message }) => message).join() === "no room for first,no room for last",
  );
  assert.deepEqual(told, ["refused first", "accepted weather", "refused last"]);

  const endOfOne = gate.onEvent(listener, { interval: 3_600_000 });
  await decide(gate, "one");
  assert.throws(endOfOne, { message: "no room for one" });
  assert.deepEqual(gate.drainEvents(), []);
});

test("a listener that throws on its timer is told of the other events before that ends the process", () => {
  const program = fileURLToPath(new URL("shared/throwing-listener.mjs", import.meta.url));
  const { status, stdout, stderr } = spawnSync(process.execPath, [program], { encoding: "utf8" });
  assert.equal(stdout, "first\nsecond\n");
  assert.match(stderr, /Error: the listener threw for 2 events/);
  assert.notEqual(status, 0);
});

test("metrics are Prometheus text", async () => {
  const gate = gateOf({ capacity: 1 });
  await decide(gate, "weather");
  await decide(gate, "other");
  const lines = gate.metrics().split("\n");
  assert.ok(lines.includes("scopegate_accepted_total 1"));
  assert.ok(lines.includes('scopegate_refused_total{reason="insufficient_scope"} 1'));
  assert.ok(lines.includes('scopegate_events_total{result="dropped"} 1'));
});
