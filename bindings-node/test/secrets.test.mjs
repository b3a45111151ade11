// Writes down all that the package lets out, for tests/secrets to search (T55).

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const traces = process.env.SCOPEGATE_TRACES ?? fileURLToPath(new URL("../../target/traces", import.meta.url));
const program = fileURLToPath(new URL("shared/outcomes.mjs", import.meta.url));

/** What left the package; Node.js's own debugging of HTTP shows headers, so the adapters' run has ours alone. */
function trace(what, name, NODE_DEBUG) {
  mkdirSync(traces, { recursive: true });
  const file = join(traces, `${name}.txt`);
  const env = { ...process.env, NODE_DEBUG, RUST_BACKTRACE: "full" };
  const options = { env, encoding: "utf8", maxBuffer: 1 << 28 };
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, what, file], options);
  assert.equal(status, 0, stderr.slice(-2000));
  appendFileSync(file, stderr);
  writeFileSync(join(traces, `${name}.tokens`), JSON.parse(stdout).join("\n"));
  return { text: readFileSync(file, "utf8"), stderr };
}

test("every outcome is written down", () => {
  const { text, stderr } = trace("vectors", "node", "*");
  assert.ok(text.includes("== secrets-accepted\n") && text.includes("AccessToken {}"));
  assert.match(stderr, /SCOPEGATE \d+: refused with 401/);
});

test("the adapters let nothing out", () => {
  assert.match(trace("adapters", "node-adapters", "scopegate").text, /^statuses: 200 400 401 403 503$/m);
});

test("a panic shows no request", () => {
  assert.match(trace("panics", "node-panics", "*").stderr, /asked for by a test/);
});
