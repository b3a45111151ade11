// The demo tells its whole story.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

test("every step of the demo goes as expected", () => {
  const program = fileURLToPath(new URL("../demo/demo.mjs", import.meta.url));
  const { status, stdout, stderr } = spawnSync(process.execPath, [program], { encoding: "utf8", timeout: 120_000 });
  assert.equal(status, 0, stderr);
  assert.match(stdout, /All 11 steps went as expected/);
});
