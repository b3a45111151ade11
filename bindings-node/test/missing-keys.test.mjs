// What happens while keys are fetched.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { ResourceServer } from "scopegate";
import { protect } from "scopegate/fetch";
import { Issuer } from "scopegate/testing";
import { refusalIn } from "./shared/decisions.mjs";
import { freePort, keyServer } from "./shared/http.mjs";

const { Flights } = createRequire(import.meta.url)("../lib/flights.js");

const RESOURCE = "https://mcp.test/mcp";
const issuer = new Issuer({ resource: RESOURCE });
const authorization = issuer.authorization({ sub: "alice" });

function fetchingGate(jwksUri, configuration = {}) {
  return new ResourceServer({
    resource: RESOURCE,
    authorization_servers: [{ issuer: issuer.issuer, jwks_uri: jwksUri }],
    ...configuration,
  });
}

test("missing keys are fetched once, however many requests wait", async (t) => {
  const keys = await keyServer(t, issuer.server().jwks);
  keys.delay = 200;
  const gate = fetchingGate(keys.jwksUri);
  const tokens = await Promise.all(Array.from({ length: 50 }, () => gate.authorize({ authorization })));
  assert.ok(tokens.every(({ subject }) => subject === "alice"));
  await gate.authorize({ authorization });
  assert.deepEqual(keys.requests, ["/jwks"]);
});

test("an adapter waits for keys in a program that has another Promise", async (t) => {
  const keys = await keyServer(t, issuer.server().jwks);
  const answer = protect(fetchingGate(keys.jwksUri), () => new Response("passed"));
  const statusOf = async (token) => (await answer(new Request(RESOURCE, { headers: { authorization: token } }))).status;
  const { Promise } = globalThis;
  t.after(() => Object.assign(globalThis, { Promise }));
  globalThis.Promise = class extends Promise {};
  assert.equal(await statusOf(issuer.authorization({ aud: "https://other.test" })), 401);
  assert.equal(await statusOf(authorization), 200);
});

test("more requests than max_waiters are refused at once", async (t) => {
  const keys = await keyServer(t, issuer.server().jwks);
  keys.delay = 200;
  const gate = fetchingGate(keys.jwksUri, { keys: { max_waiters: 5 } });
  const outcomes = await Promise.allSettled(Array.from({ length: 8 }, () => gate.authorize({ authorization })));
  assert.equal(outcomes.filter(({ status }) => status === "fulfilled").length, 5);
  const refused = outcomes.filter(({ status }) => status === "rejected").map(({ reason }) => reason.reason);
  assert.deepEqual(refused, Array(3).fill("keys_unavailable"));
  await gate.authorize({ authorization });
});

test("check starts the fetch and refuses without waiting", async (t) => {
  const keys = await keyServer(t, issuer.server().jwks);
  const gate = fetchingGate(keys.jwksUri);
  const first = await refusalIn((async () => gate.check({ authorization }))());
  assert.deepEqual([first.reason, first.status, first.unavailable], ["keys_unavailable", 503, true]);
  const headers = Object.fromEntries(first.headers);
  assert.ok(Number(headers["Retry-After"]) >= 1);
  assert.ok(!("WWW-Authenticate" in headers));
  while (gate.stats().sources[0].keys === 0) await new Promise((resolve) => setTimeout(resolve, 10));
  assert.equal(gate.check({ authorization }).subject, "alice");
  assert.deepEqual(keys.requests, ["/jwks"]);
});

test("a dead key server is 503, and no challenge", async () => {
  const gate = fetchingGate(`http://127.0.0.1:${await freePort()}/jwks`);
  for (const refused of [
    await refusalIn(gate.authorize({ authorization })),
    await refusalIn(gate.authorize({ authorization })),
  ]) {
    assert.deepEqual([refused.reason, refused.status], ["keys_unavailable", 503]);
  }
  assert.equal(gate.health().status, "unavailable");
});

test("warmUp fetches before the first request, and names the issuers that failed", async (t) => {
  const keys = await keyServer(t, issuer.server().jwks);
  const gate = fetchingGate(keys.jwksUri);
  await gate.warmUp();
  assert.equal(gate.check({ authorization }).subject, "alice");
  const dead = fetchingGate(`http://127.0.0.1:${await freePort()}/jwks`);
  const error = await dead.warmUp().catch((rejected) => rejected);
  assert.ok(error instanceof AggregateError);
  assert.equal(error.errors.length, 1);
  assert.match(error.message, new RegExp(issuer.issuer));
});

test("the keys of two issuers are fetched side by side", async (t) => {
  const hanging = await keyServer(t, {}, { hang: true });
  const keys = await keyServer(t, issuer.server().jwks);
  const gate = new ResourceServer({
    resource: RESOURCE,
    authorization_servers: [
      { issuer: "https://hanging.test", jwks_uri: hanging.jwksUri },
      { issuer: issuer.issuer, jwks_uri: keys.jwksUri },
    ],
    http: { timeout_seconds: 1 },
  });
  const stuck = gate.authorize({ authorization: issuer.authorization({ iss: "https://hanging.test" }) });
  const order = [];
  await Promise.all([
    refusalIn(stuck).then(({ reason }) => order.push(reason)),
    gate.authorize({ authorization }).then(({ subject }) => order.push(subject)),
  ]);
  assert.deepEqual(order, ["alice", "keys_unavailable"]);
});

test("two fetches at most run at once", async (t) => {
  const hanging = await Promise.all([1, 2, 3].map(() => keyServer(t, {}, { hang: true })));
  const issuers = hanging.map(({ jwksUri }, index) => ({ issuer: `https://issuer${index}.test`, jwks_uri: jwksUri }));
  const gate = new ResourceServer({
    resource: RESOURCE,
    authorization_servers: issuers,
    http: { timeout_seconds: 2 },
  });
  const refused = issuers.map(({ issuer: iss }) =>
    refusalIn(gate.authorize({ authorization: issuer.authorization({ iss }) })),
  );
  const connections = () => hanging.reduce((sum, server) => sum + server.connections, 0);
  while (connections() < 2) await new Promise((resolve) => setTimeout(resolve, 10));
  await new Promise((resolve) => setTimeout(resolve, 200));
  assert.equal(connections(), 2);
  for (const { reason } of await Promise.all(refused)) assert.equal(reason, "keys_unavailable");
});

test("a fetch that is queued is made for one who still waits for it", async () => {
  const flights = new Flights();
  const ends = [];
  const forever = (source) => flights.join(source, 10_000, () => new Promise((resolve) => ends.push(resolve)));
  const running = [forever(0), forever(1)];
  // Fetches of the tests before this one may still have their turn.
  await until(() => ends.length === 2);
  const made = [];
  await flights.join(2, 1, async () => made.push("for one who has left"));
  const waiting = flights.join(2, 10_000, async () => made.push("for one who waits"));
  for (const end of ends) end();
  await Promise.all([...running, waiting]);
  assert.deepEqual(made, ["for one who waits"]);
});

const script = (name) => fileURLToPath(new URL(`shared/${name}`, import.meta.url));

test("a key server that hangs leaves the event loop and the thread pool free", () => {
  const environment = { ...process.env, UV_THREADPOOL_SIZE: "2" };
  const { status, stdout, stderr } = spawnSync(process.execPath, [script("hanging-keys.mjs")], {
    env: environment,
    encoding: "utf8",
    timeout: 60_000,
  });
  assert.equal(status, 0, stderr);
  const { connections, order, refused, idle, waiting, handles } = JSON.parse(stdout);
  assert.equal(connections, 1);
  assert.equal(order, "file first");
  assert.equal(refused, 1000);
  assert.ok(waiting < idle + 0.05, `event-loop utilisation ${waiting}, and ${idle} without Scopegate`);
  assert.deepEqual(handles, []);
});

test("requests that nobody waits for any longer leave nothing behind", () => {
  const { status, stdout, stderr } = spawnSync(process.execPath, ["--expose-gc", script("abandoned.mjs")], {
    encoding: "utf8",
    timeout: 60_000,
  });
  assert.equal(status, 0, stderr);
  assert.deepEqual(JSON.parse(stdout), { gateIsLeft: false });
});

test("50 workers that use it start and end, in the middle of a fetch too", async (t) => {
  const hanging = await keyServer(t, {}, { hang: true });
  const ways = ["decide", "fetch and leave", "fetch and be ended"];
  for (let started = 0; started < 50; started += 5) {
    const batch = Array.from({ length: 5 }, (_, index) => ways[(started + index) % ways.length]);
    await Promise.all(batch.map((how) => cycle(how, hanging.jwksUri)));
  }
  const keys = await keyServer(t, issuer.server().jwks);
  const gate = fetchingGate(keys.jwksUri);
  // Fetches of workers that are no more go on to their own deadline.
  await until(async () => (await gate.authorize({ authorization }).catch(() => undefined))?.subject === "alice");
});

test("two fetches at most run in the process, those of workers included", async (t) => {
  const hanging = await keyServer(t, {}, { hang: true });
  const workerData = { how: "fetch and be ended", jwksUri: hanging.jwksUri };
  const program = new URL("shared/cycle-worker.mjs", import.meta.url);
  const workers = Array.from({ length: 4 }, () => new Worker(program, { workerData }));
  await Promise.all(workers.map((worker) => once(worker, "message")));
  while (hanging.connections < 2) await new Promise((resolve) => setTimeout(resolve, 10));
  await new Promise((resolve) => setTimeout(resolve, 200));
  assert.equal(hanging.connections, 2);
  await Promise.all(workers.map((worker) => worker.terminate()));
});

async function until(holds) {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 50));
}

async function cycle(how, jwksUri) {
  const worker = new Worker(new URL("shared/cycle-worker.mjs", import.meta.url), { workerData: { how, jwksUri } });
  const ended = once(worker, "exit");
  await once(worker, "message");
  if (how === "fetch and be ended") await worker.terminate();
  const [code] = await ended;
  if (how !== "fetch and be ended") assert.equal(code, 0, how);
}
