// Makes its own contenders, as a worker of a server does, and times batches as serve.mjs asks.

import { parentPort, workerData } from "node:worker_threads";
import { contenders } from "./contenders.mjs";
import { readSample, Row } from "./row.mjs";

const sample = readSample(workerData);
const rows = new Map();

async function row(name, algorithm) {
  const key = `${name} ${algorithm}`;
  const contender = contenders.find((each) => each.name === name);
  if (!rows.has(key)) rows.set(key, await Row.make(contender, sample, algorithm));
  return rows.get(key);
}

parentPort.on("message", async (asked) => {
  const asksOf = await row(asked.contender, asked.algorithm);
  parentPort.postMessage(await asksOf.batch(asked.workload, asksOf.contender.waits ? 16 : 1, asked.seconds));
});
