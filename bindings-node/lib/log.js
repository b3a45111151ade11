"use strict";

// One line for each refusal, through NODE_DEBUG=scopegate.

const { debuglog } = require("node:util");

/** The most lines for one subject in one second; the rest are counted. */
const LINES_PER_SECOND = 5;

const log = debuglog("scopegate");

/**
 * Reason, code, what was expected, and where the documentation has the cause and the cure.
 * @param {import("../index.js").Rejected} refusal
 */
function logRefusal({ reason, code, status, detail }) {
  logLimited(reason, `refused with ${status}: ${reason} (${code}): ${detail} [docs/reasons.md#${reason}]`);
}

/**
 * Writes the line unless its subject has had its lines for this second.
 * @param {string} subject
 * @param {string} line
 */
function logLimited(subject, line) {
  if (!log.enabled) return;
  const suppressed = admit(subject, Math.floor(performance.now() / 1000));
  if (suppressed !== undefined) log(suppressed > 0 ? `${line} (${suppressed} more like it were not logged)` : line);
}

/** @type {Map<string, { second: number, written: number, suppressed: number }>} */
const counts = new Map();

/**
 * How many lines were suppressed since the last one, or undefined to suppress this one.
 * @param {string} subject
 * @param {number} second
 */
function admit(subject, second) {
  const count = counts.get(subject) ?? { second, written: 0, suppressed: 0 };
  counts.set(subject, count);
  if (count.second !== second) Object.assign(count, { second, written: 0 });
  if (count.written >= LINES_PER_SECOND) {
    count.suppressed += 1;
    return undefined;
  }
  const { suppressed } = count;
  Object.assign(count, { written: count.written + 1, suppressed: 0 });
  return suppressed;
}

module.exports = { logLimited, logRefusal };
