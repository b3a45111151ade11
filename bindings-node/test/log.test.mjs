// What operators read of refusals.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const program = fileURLToPath(new URL("shared/refusals.mjs", import.meta.url));
const reasons = readFileSync(new URL("../../docs/reasons.md", import.meta.url), "utf8");

function run(host, NODE_DEBUG) {
  const env = { ...process.env, NODE_DEBUG };
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, host], { env, encoding: "utf8" });
  assert.equal(status, 0, stderr);
  return { ...JSON.parse(stdout), lines: stderr.split("\n").filter((line) => line !== ""), stderr };
}

for (const host of ["express", "fastify", "hono", "fetch"]) {
  test(`${host}: each refusal is a line with its reason, of which a second has five at most`, () => {
    const { seen, seconds, secrets, lines, stderr } = run(host, "scopegate");
    assert.deepEqual(seen, { missing_token: 1, insufficient_scope: 1, expired: 40 });
    const about = (text) => lines.filter((line) => line.includes(text));
    for (const [text, code] of Object.entries({ missing_token: 2001, insufficient_scope: 6001 })) {
      assert.equal(about(`${text} (${code}): `).length, 1);
    }
    const expired = about("refused with 401: expired (5005): ");
    assert.ok(expired.length >= 1 && expired.length <= 5 * (Math.ceil(seconds) + 1), `${expired.length} lines`);
    assert.match(expired[0], /\[docs\/reasons\.md#expired\]$/);
    assert.match(reasons, /^#+ .*expired/m);
    assert.equal(about("Content-Encoding").length, 1);
    assert.equal(about("the session belongs to another principal").length, 1);
    for (const secret of [...secrets, "eyJ", "person", "a-claim", "a-method", "session-of"]) {
      assert.ok(!stderr.includes(secret), `the log holds ${secret}`);
    }
  });
}

test("without NODE_DEBUG nothing is written", () => {
  const { seen, lines } = run("express", "");
  assert.equal(seen.expired, 40);
  assert.deepEqual(lines, []);
});
