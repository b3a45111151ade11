// The shared exchanges: raw requests against the official SDKs' servers behind the adapters, and which tools ran.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { differenceIn, play, suites } from "./shared/exchanges.mjs";
import { stages } from "./shared/stages.mjs";

/** What the policy of every suite denies. */
const NEVER = ["erase", "drop_table", "secret", "complete:secret", "plans", "complete:note"];

for (const suite of suites()) {
  describe(suite.suite, () => {
    for (const [host, make] of Object.entries(stages[suite.stage])) {
      test(host, async (t) => {
        const rows = await play(t, suite, host, make);
        assert.equal(rows.length, suite.number_of_cases);
        for (const { id, ran } of rows) assert.ok(!ran.some((name) => NEVER.includes(name)), `${id}: ${ran} ran`);
        assert.deepEqual(rows.map(differenceIn).filter(Boolean), []);
      });
    }
  });
}
