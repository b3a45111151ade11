// Times the sample that scopegate-bench printed into the file named on the command line, through the npm package. Prints
// one JSON object; the method is that of tests/rust/bench.rs.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { ResourceServer } from "../../bindings-node/index.mjs";

const native = createRequire(import.meta.url)("../../bindings-node/lib/native.js");

const BATCHES = 11;
const BATCH_MS = 200;

const { config, authorization, refused, now } = JSON.parse(readFileSync(process.argv[2], "utf8"));
const gate = new ResourceServer(config);
const { token_cache: _, ...usual } = config;
const keeping = new ResourceServer(usual);
const body = new Uint8Array();
const line = Buffer.from(authorization);
const IN_FLIGHT = 16;

/** A new string each time, as a server has it. */
function details() {
  return { authorization: line.toString("latin1"), method: "POST", target: "/mcp", body, now };
}

function refuse() {
  try {
    gate.check({ authorization: refused, method: "POST", target: "/mcp", body, now });
  } catch {
    return;
  }
  throw new Error("not refused");
}

/** The median over batches of the nanoseconds of one call. */
function time(call) {
  const batches = Array.from({ length: BATCHES }, () => {
    const start = performance.now();
    let calls = 0;
    while (performance.now() - start < BATCH_MS) {
      for (let round = 0; round < 100; round += 1) call();
      calls += 100;
    }
    return ((performance.now() - start) / calls) * 1e6;
  });
  return batches.sort((a, b) => a - b)[BATCHES >> 1];
}

/** The same for promises, so many of them at once. */
async function timeInFlight(call) {
  const batches = [];
  for (let batch = 0; batch < BATCHES; batch += 1) {
    const start = performance.now();
    let calls = 0;
    while (performance.now() - start < BATCH_MS) {
      await Promise.all(Array.from({ length: IN_FLIGHT }, call));
      calls += IN_FLIGHT;
    }
    batches.push(((performance.now() - start) / calls) * 1e6);
  }
  return batches.sort((a, b) => a - b)[BATCHES >> 1];
}

const times = {
  authorize_ns: time(() => gate.check(details())),
  authorize_in_flight_ns: await timeInFlight(() => gate.authorize(details())),
  seen_before_ns: time(() => keeping.check(details())),
  refused_ns: time(refuse),
  crossing_ns: time(() => native.version()),
};
console.log(JSON.stringify(times));
