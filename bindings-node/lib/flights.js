"use strict";

// Waiting for keys: one fetch at a time for each source, however many requests wait for it.

// Taken now, so that a program which replaces the global timers, as tests do, still gets its keys.
const { clearTimeout, setTimeout } = require("node:timers");

/** The fetches of this JavaScript thread that may run at once. On Node's pool, files and DNS need the other threads. */
const SLOTS = 2;

let running = 0;
/** @type {(() => void)[]} */
const queue = [];

/**
 * @typedef {() => Promise<unknown>} Fetch
 * @typedef {{ ended: Promise<void>, waiting: Set<Fetch> }} Flight
 */

class Flights {
  /** @type {Map<number, Flight>} */
  #bySource = new Map();

  /**
   * Resolves when the fetch of this source has ended, or after the longest wait. Rejects if the fetch panicked.
   * @param {number} source
   * @param {number} longestWait milliseconds
   * @param {Fetch} fetch
   */
  join(source, longestWait, fetch) {
    const { ended, waiting } = this.#bySource.get(source) ?? this.#begin(source, fetch);
    waiting.add(fetch);
    return atMost(longestWait, ended).finally(() => waiting.delete(fetch));
  }

  /**
   * Starts the fetch of this source, unless one runs or no other may. Nobody waits for it.
   * @param {number} source
   * @param {Fetch} fetch
   */
  start(source, fetch) {
    if (running < SLOTS && !this.#bySource.has(source)) this.#begin(source, fetch).ended.catch(() => undefined);
  }

  /**
   * When its turn comes, the flight is that of the first who still waits: one who has left has made its decision.
   * @param {number} source
   * @param {Fetch} fetch
   * @returns {Flight}
   */
  #begin(source, fetch) {
    const waiting = new Set([fetch]);
    const ended = inSlot(async () => {
      const [first] = waiting;
      await first?.();
    }).finally(() => this.#bySource.delete(source));
    const flight = { ended, waiting };
    this.#bySource.set(source, flight);
    return flight;
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
