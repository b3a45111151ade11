// Tokens that come again, more of them than have places: each must be its own user's.

import assert from "node:assert/strict";
import { parentPort, workerData } from "node:worker_threads";
import { ResourceServer } from "scopegate";

/** Judges the tokens of `user-0`, `user-1` and so on, in rounds that begin elsewhere, and keeps every second object. */
export function tellApart({ configuration, authorizations }) {
  const gate = new ResourceServer(configuration);
  const held = [];
  for (let round = 0; round < 4; round += 1) {
    for (let at = 0; at < authorizations.length; at += 1) {
      const user = (at * 7 + round) % authorizations.length;
      const token = gate.check({ authorization: authorizations[user] });
      assert.equal(token.subject, `user-${user}`);
      assert.equal(token.claims.sub, token.subject);
      if (at % 2 === 0) held.push(token);
    }
  }
  return gate;
}

if (workerData?.authorizations !== undefined) {
  tellApart(workerData);
  parentPort?.postMessage("told apart");
}
