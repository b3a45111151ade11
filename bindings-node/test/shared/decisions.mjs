// What came of a decision, and waiting for what comes of it later.

import assert from "node:assert/strict";
import { Rejected } from "scopegate";

/** The reason of the refusal that this throws; undefined where it throws none. */
export function reasonOf(work) {
  try {
    work();
  } catch (error) {
    if (error instanceof Rejected) return error.reason;
    throw error;
  }
  return undefined;
}

/** The same of a decision that is waited for. */
export async function reasonIn(decision) {
  const error = await decision.then(
    () => undefined,
    (rejected) => rejected,
  );
  return reasonOf(() => {
    if (error !== undefined) throw error;
  });
}

export async function refusalIn(decision) {
  const error = await decision.then(
    () => assert.fail("it was accepted"),
    (rejected) => rejected,
  );
  assert.ok(error instanceof Rejected, String(error));
  return error;
}

export function thrown(work) {
  try {
    work();
  } catch (error) {
    return error;
  }
  return assert.fail("nothing was thrown");
}

export async function until(holds) {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5));
}
