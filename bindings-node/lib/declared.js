"use strict";

// Scopes that stand beside a tool join the policy when a server starts, and what the policy forgot is told.

const { sideOf } = require("./adapter.js");
const { current } = require("./current.js");
const { ConfigError } = require("./errors.js");
const { logLimited } = require("./log.js");
const { offeredBy } = require("./offered.js");
const { own } = require("./own.js");

/**
 * @typedef {import("../index.js").Offered} Offered
 * @typedef {import("../index.js").ResourceServer} ResourceServer
 * @typedef {import("../types/auth-info.js").Gate} Gate
 * @typedef {import("../types/declared.js").Connectable} Connectable
 * @typedef {{ readonly strict?: boolean | undefined }} Options
 */

/**
 * @param {Gate} gate
 * @param {() => Connectable | Promise<Connectable>} makeServer
 * @param {Options} [options]
 * @returns {Promise<any>} a gate like the one that was given
 */
async function declared(gate, makeServer, options) {
  const { strict = false, ...unknown } = own(options);
  const [option] = Object.keys(unknown);
  if (option !== undefined) throw new TypeError(`${option}: unknown, expected strict`);
  if (typeof strict !== "boolean") throw new TypeError("strict: expected a boolean");
  if (typeof makeServer !== "function") throw new TypeError("expected a function that makes a server of the SDK");
  const gateNow = current(gate);
  const offered = await offeredBy(await makeServer());
  let configured = gateNow();
  let joined = join(configured, offered, strict);
  if (typeof gate !== "function") return joined;
  return () => {
    const now = gateNow();
    if (now !== configured) [configured, joined] = [now, join(now, offered, false)];
    return joined;
  };
}

/**
 * The gate itself where nothing is declared, so that its counters go on.
 * @param {ResourceServer} configured
 * @param {readonly Offered[]} offered
 * @param {boolean} strict
 */
function join(configured, offered, strict) {
  const { gate, report } = configured.declare(offered);
  const { forgotten } = report;
  if (strict && forgotten.length > 0) throw new ConfigError(forgotten);
  if (sideOf(gate).hasPolicy) {
    // Each is a subject of its own: no line is left out for the others.
    for (const { path, message } of forgotten) logLimited(`policy ${path}`, `policy: ${path}: ${message}`);
  }
  return offered.some(({ scopes }) => scopes !== undefined) ? gate : configured;
}

module.exports = { declared };
