// Memory that another thread writes to while a request is judged (T60), and workers that end at any moment (T62).

import assert from "node:assert/strict";
import { once } from "node:events";
import { createRequire } from "node:module";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import { Rejected, ResourceServer } from "scopegate";
import { Issuer } from "scopegate/testing";

const { bytes } = createRequire(import.meta.url)("../lib/request.js");
const RESOURCE = "https://mcp.test/mcp";
const WORKERS = Number(process.env.SCOPEGATE_WORKERS ?? 25);
const PLACES = { weather: "accepted", erases_: "policy_denied" };
const body = (name) => Buffer.from(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"${name}"}}`);

function gateWithPolicy(issuer) {
  const policy = { default: "deny", tools: { weather: [], erases_: "deny" } };
  return new ResourceServer({ resource: RESOURCE, authorization_servers: [issuer.server()], policy });
}

async function outcome(gate, details) {
  try {
    await gate.authorize(details);
    return "accepted";
  } catch (error) {
    if (error instanceof Rejected) return error.reason;
    throw error;
  }
}

/** A worker that writes one name, then the other, into the body, for ever. */
async function writer(shared) {
  const program = `
    const { workerData, parentPort } = require("node:worker_threads");
    const view = Buffer.from(workerData.shared);
    const at = view.indexOf("weather");
    parentPort.postMessage("begun");
    for (let turn = 0; ; turn += 1) view.write(turn % 2 === 0 ? "weather" : "erases_", at);
  `;
  const worker = new Worker(program, { eval: true, workerData: { shared } });
  await once(worker, "message");
  return worker;
}

test("the verdict on shared memory is that of a copy, whoever writes to it meanwhile", async () => {
  const issuer = new Issuer({ resource: RESOURCE });
  const gate = gateWithPolicy(issuer);
  const authorization = issuer.authorization();
  const text = body("weather");
  const shared = new SharedArrayBuffer(text.length);
  const view = new Uint8Array(shared);
  view.set(text);
  const worker = await writer(shared);
  const found = new Set();
  for (let round = 0; round < 500; round += 1) {
    const copy = bytes(view);
    assert.ok(copy.buffer instanceof ArrayBuffer);
    const name = Buffer.from(copy)
      .toString()
      .match(/"name":"(.{7})"/)[1];
    // A word that was half written when it was copied is a tool that the policy does not name.
    assert.equal(await outcome(gate, { authorization, body: copy }), PLACES[name] ?? "policy_denied", name);
    for (const handedIn of [view, Buffer.from(shared), () => Promise.resolve(view)]) {
      found.add(await outcome(gate, { authorization, body: handedIn }));
    }
  }
  await worker.terminate();
  assert.deepEqual([...found].sort(), ["accepted", "policy_denied"]);
});

test("a buffer that is written to after the call does not change the verdict", async () => {
  const issuer = new Issuer({ resource: RESOURCE });
  const gate = gateWithPolicy(issuer);
  const authorization = issuer.authorization();
  for (const [name, expected] of Object.entries(PLACES)) {
    const buffer = body(name);
    const verdict = outcome(gate, { authorization, body: buffer });
    buffer.fill(0x20);
    assert.equal(await verdict, expected);
  }
});

test(`${WORKERS} workers that are terminated at any moment do no harm`, async () => {
  const program = new URL("shared/cycle-worker.mjs", import.meta.url);
  const workerData = { how: "fetch and be terminated", jwksUri: "http://127.0.0.1:1/keys" };
  for (let number = 0; number < WORKERS; number += 1) {
    const worker = new Worker(program, { workerData: number % 2 === 0 ? { how: "decide" } : workerData });
    worker.on("error", assert.fail);
    if (number % 5 !== 0) await Promise.race([once(worker, "message"), once(worker, "exit")]);
    else await new Promise((resolve) => setTimeout(resolve, number % 50));
    await worker.terminate();
  }
  const issuer = new Issuer({ resource: RESOURCE });
  assert.equal(await outcome(gateWithPolicy(issuer), { authorization: issuer.authorization(), body: "" }), "accepted");
});
