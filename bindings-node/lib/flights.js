"use strict";

// Waiting for keys: one fetch at a time for each source, however many requests wait for it.

/** The threads of Node's pool that fetches of this JavaScript thread may hold at once; files and DNS need the rest. */
const SLOTS = 2;

let running = 0;
/** @type {(() => void)[]} */
const queue = [];

class Flights {
  /** @type {Map<number, Promise<void>>} */
  #bySource = new Map();

  /**
   * Resolves when the fetch of this source has ended, or after the longest wait. Rejects if the fetch panicked.
   * @param {number} source
   * @param {number} longestWait milliseconds
   * @param {() => Promise<void>} fetch
   */
  join(source, longestWait, fetch) {
    let flight = this.#bySource.get(source);
    if (flight === undefined) {
      flight = inSlot(fetch).finally(() => this.#bySource.delete(source));
      this.#bySource.set(source, flight);
    }
    return atMost(longestWait, flight);
  }
}

/**
 * @param {() => Promise<void>} work
 * @returns {Promise<void>}
 */
async function inSlot(work) {
  if (running < SLOTS) running += 1;
  else await new Promise((resolve) => queue.push(() => resolve(undefined)));
  try {
    await work();
  } finally {
    const next = queue.shift();
    if (next === undefined) running -= 1;
    else next();
  }
}

/**
 * @param {number} milliseconds
 * @param {Promise<void>} promise
 * @returns {Promise<void>}
 */
function atMost(milliseconds, promise) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, milliseconds);
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

module.exports = { Flights };
