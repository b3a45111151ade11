// Proves each contender of Node.js, says who they are in one line, and then times one batch for each line that comes, as
// run.py asks. Usage: node serve.mjs FOLDER

import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { Worker } from "node:worker_threads";
import { contenders, packages } from "./contenders.mjs";
import { readSample, Row } from "./row.mjs";

const folder = process.argv[2];
const sample = readSample(folder);
const rows = new Map();
const described = [];
for (const contender of contenders) {
  let refuses = [];
  for (const algorithm of contender.algorithms ?? Object.keys(sample.algorithms)) {
    const row = await Row.make(contender, sample, algorithm);
    rows.set(`${contender.name} ${algorithm}`, row);
    refuses = await row.proved();
  }
  described.push(description(contender, refuses));
}
const workers = [new Worker(new URL("worker.mjs", import.meta.url), { workerData: folder })];
workers.push(new Worker(new URL("worker.mjs", import.meta.url), { workerData: folder }));
console.log(JSON.stringify({ versions: versions(), contenders: described }));

for await (const line of createInterface({ input: process.stdin })) {
  const asked = JSON.parse(line);
  console.log(JSON.stringify({ ns: await batch(asked) }));
}
await Promise.all(workers.map((worker) => worker.terminate()));

async function batch(asked) {
  if (asked.lane === "2 workers") return inWorkers(asked);
  const row = rows.get(`${asked.contender} ${asked.algorithm}`);
  return row.batch(asked.workload, asked.lane === "16 in flight" ? 16 : 1, asked.seconds);
}

/** Nanoseconds of one call, of all the calls of both together. */
async function inWorkers(asked) {
  const answers = workers.map((worker) => once(worker, "message"));
  for (const worker of workers) worker.postMessage(asked);
  const times = await Promise.all(answers);
  return 1 / times.reduce((sum, [nanoseconds]) => sum + 1 / nanoseconds, 0);
}

function description({ name, kind, package: from, algorithms, waits }, refuses) {
  const lanes = ["1 thread", ...(waits ? ["16 in flight"] : []), "2 workers"];
  return {
    name,
    kind,
    refuses,
    lanes: kind === "piece" ? ["1 thread"] : lanes,
    ...(from && { package: from }),
    ...(algorithms && { algorithms }),
    ...(kind === "piece" && { workloads: ["hot"] }),
    ...(kind === "ours" && { workloads: ["hot", "cold", "mixed", "refused"] }),
  };
}

function versions() {
  const lock = JSON.parse(readFileSync(new URL("package-lock.json", import.meta.url), "utf8"));
  const locked = packages.map((name) => [name, lock.packages[`node_modules/${name}`].version]);
  return { "Node.js": process.versions.node, OpenSSL: process.versions.openssl, ...Object.fromEntries(locked) };
}
