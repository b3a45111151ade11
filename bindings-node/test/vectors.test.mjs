// The shared vectors, on the main thread and in a worker. Each writes a transcript, which must equal that of Rust;
// `make transcripts` compares them.

import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { ConfigError, ResourceServer } from "scopegate";
import { runVectors } from "./shared/vectors.mjs";

const repository = fileURLToPath(new URL("../../", import.meta.url));
const transcripts = process.env.SCOPEGATE_TRANSCRIPTS ?? join(repository, "target/transcripts");

function check(name, { transcript, failures, run }) {
  mkdirSync(transcripts, { recursive: true });
  writeFileSync(join(transcripts, `${name}.jsonl`), transcript);
  assert.deepEqual(failures, []);
  assert.ok(run >= 200, `only ${run} vectors`);
}

test("every vector has its answer on the main thread", async () => {
  check("node-main", await runVectors());
});

test("every vector has its answer in a worker", async () => {
  const worker = new Worker(new URL("shared/vectors-worker.mjs", import.meta.url));
  const [result] = await once(worker, "message");
  check("node-worker", result);
});

test("every mistake of a configuration has its path and says what is expected", () => {
  const file = join(repository, "tests/vectors/configuration/errors.json");
  const { number_of_tests, cases } = JSON.parse(readFileSync(file, "utf8"));
  assert.equal(cases.length, number_of_tests);
  for (const { id, config, errors } of cases) {
    assert.deepEqual(mistakesIn(config), errors, id);
  }
});

function mistakesIn(config) {
  try {
    ResourceServer.fromJson(config);
    return [];
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    return error.errors;
  }
}
