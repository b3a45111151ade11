// The Node.js program of tests/memory: memory.rs says what it reads and writes. Needs --expose-gc.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const require = createRequire(import.meta.url);
const { Rejected, ResourceServer } = require("../../bindings-node");

const seen = { "+": 0, "-": 0 };
let gate;

for await (const line of createInterface({ input: process.stdin })) {
  const [expected] = line;
  if (gate === undefined) gate = ResourceServer.fromJson(line);
  else if (expected === "=") await sample();
  else {
    const found = (await isAccepted(line.slice(1))) ? "+" : "-";
    assert.equal(found, expected, line);
    seen[found] += 1;
  }
}

async function isAccepted(token) {
  try {
    return (await gate.authorize({ authorization: `Bearer ${token}` })).resource === gate.resource;
  } catch (error) {
    if (error instanceof Rejected) return false;
    throw error;
  }
}

/** Finalisers of native handles run in turns of their own. */
async function sample() {
  for (let round = 0; round < 3; round += 1) {
    globalThis.gc();
    await new Promise((resolve) => setImmediate(resolve));
  }
  console.log(seen["+"], seen["-"], Math.round(process.memoryUsage.rss() / 1024));
}
