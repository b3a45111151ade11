// What `onEvent` costs a server: decisions without events, with a listener that only counts, and with no room for events.
// Prints one JSON object. Usage: sinks.mjs SAMPLE

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { setImmediate } from "node:timers/promises";
import { ResourceServer } from "../../../bindings-node/index.mjs";

const ROUNDS = 15;
const SPELL_MS = 100;
const INTERVAL_MS = 10;
const { config, authorization, body, room } = JSON.parse(readFileSync(process.argv[2], "utf8"));
const bytes = Buffer.from(body);

/** Decisions that give way to timers as requests do, and the nanoseconds of each. */
async function spell(gate) {
  const start = performance.now();
  let decisions = 0;
  while (performance.now() - start < SPELL_MS) {
    for (let round = 0; round < 100; round += 1) {
      gate.check({ authorization, method: "POST", target: "/mcp", body: bytes });
    }
    decisions += 100;
    await setImmediate();
  }
  return { decisions, seconds: (performance.now() - start) / 1e3 };
}

const fastest = (values) => Math.min(...values);
const each = ({ decisions, seconds }) => (seconds / decisions) * 1e9;

const off = new ResourceServer(config);
const on = new ResourceServer({ ...config, events: { capacity: room } });
const full = new ResourceServer({ ...config, events: { capacity: 1 } });
let received = 0;
const stop = on.onEvent(() => (received += 1), { interval: INTERVAL_MS });
const spells = { off: [], on: [], full: [] };
for (let round = 0; round < ROUNDS; round += 1) {
  spells.off.push(await spell(off));
  spells.on.push(await spell(on));
  spells.full.push(await spell(full));
}
stop();
const decisions = spells.on.reduce((sum, each) => sum + each.decisions, 0);
const { recorded, dropped } = on.stats().events;
assert.equal(received, recorded);
assert.equal(recorded + dropped, decisions);
const [off_ns, on_ns, full_ns] = Object.values(spells).map((found) => fastest(found.map(each)));
console.log(JSON.stringify({ off_ns, on_ns, full_ns, decisions, drained: received, dropped }));
