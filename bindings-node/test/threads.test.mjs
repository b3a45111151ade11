// Memory that another thread writes to while a request is judged, and workers that come and go (T60, T62 of
// tests/attacks.md).

import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import { ResourceServer } from "scopegate";
import { Issuer } from "scopegate/testing";

const RESOURCE = "https://mcp.test/mcp";
const issuer = new Issuer({ resource: RESOURCE });
const configuration = {
  resource: RESOURCE,
  authorization_servers: [issuer.server()],
  policy: { default: "deny", tools: { weather: [] } },
};

test("T60: a body that changes while it is judged is read once", async (t) => {
  const call = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: "weather" } });
  const body = new Uint8Array(new SharedArrayBuffer(call.length));
  new TextEncoder().encode(call).forEach((byte, at) => (body[at] = byte));
  // The one byte that tells the tool that is allowed from one that is not: each reading of it is one of two bodies.
  const at = call.indexOf("weather");
  const flipping = new Worker(
    `const { workerData: [body, at] } = require("node:worker_threads");
     for (;;) body[at] = body[at] === 0x77 ? 0x57 : 0x77;`,
    { eval: true, workerData: [body, at] },
  );
  t.after(() => flipping.terminate());
  await once(flipping, "online");
  const gate = new ResourceServer(configuration);
  const authorization = issuer.authorization();
  const outcomes = new Map();
  const until = 20_000;
  for (let number = 0; number < until && (number < 2000 || outcomes.size < 2); number += 1) {
    const outcome = await gate.authorize({ authorization, body }).then(
      () => "accepted",
      (error) => error.reason,
    );
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
  }
  assert.deepEqual([...outcomes.keys()].sort(), ["accepted", "policy_denied"]);
});

test("T62: a hundred workers that are ended while they judge disturb nobody", async () => {
  const source = `
    const { workerData: { configuration, authorization } } = require("node:worker_threads");
    const { ResourceServer } = require("scopegate");
    const gate = new ResourceServer(configuration);
    const judge = () => gate.authorize({ authorization, body: "" }).then(judge);
    judge();
    require("node:worker_threads").parentPort.postMessage("judging");`;
  const authorization = issuer.authorization();
  const workerData = { configuration, authorization };
  for (let batch = 0; batch < 25; batch += 1) {
    const workers = Array.from({ length: 4 }, () => new Worker(source, { eval: true, workerData }));
    await Promise.all(workers.map((worker) => once(worker, "message")));
    const codes = await Promise.all(workers.map((worker) => worker.terminate()));
    assert.deepEqual(codes, [1, 1, 1, 1]);
  }
  const gate = new ResourceServer(configuration);
  assert.equal((await gate.authorize({ authorization, body: "" })).subject, "user");
});
