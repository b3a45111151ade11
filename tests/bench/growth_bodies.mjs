// For each body of the sample, a file that growth.py made, the nanoseconds of a decision without a policy, then with each
// of them: the smallest of rounds that take turns. Prints one JSON list of lists.

import { readFileSync } from "node:fs";
import { ResourceServer } from "../../bindings-node/index.mjs";

const ROUNDS = 7;
const SPELL_MS = 50;

const { configs, authorization, bodies } = JSON.parse(readFileSync(process.argv[2], "utf8"));
const gates = configs.map((config) => new ResourceServer(JSON.parse(config)));

function spell(gate, body) {
  const start = performance.now();
  let calls = 0;
  while (performance.now() - start < SPELL_MS) {
    gate.check({ authorization, method: "POST", target: "/mcp", body });
    calls += 1;
  }
  return ((performance.now() - start) / calls) * 1e6;
}

function fastest(body) {
  const found = gates.map(() => Infinity);
  for (let round = 0; round < ROUNDS; round += 1) {
    gates.forEach((gate, number) => (found[number] = Math.min(found[number], spell(gate, body))));
  }
  return found;
}

console.log(JSON.stringify(bodies.map((body) => fastest(Buffer.from(body)))));
