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
 * @typedef {import("../index.js").PolicyReport} PolicyReport
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
  const { gate, report } = declare(configured, offered);
  const forgotten = forgottenIn(report);
  if (strict && forgotten.length > 0) throw new ConfigError(forgotten);
  if (sideOf(gate).hasPolicy) {
    // Each is a subject of its own: no line is left out for the others.
    for (const { path, message } of forgotten) logLimited(`policy ${path}`, `policy: ${path}: ${message}`);
  }
  return offered.some(({ scopes }) => scopes !== undefined) ? gate : configured;
}

/**
 * Names a thing in a mistake as the server does, where the core knows its place in the list alone.
 * @param {ResourceServer} configured
 * @param {readonly Offered[]} offered
 */
function declare(configured, offered) {
  try {
    return configured.declare(offered);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new ConfigError(error.errors.map(({ path, message }) => ({ path: named(path, offered), message })));
  }
}

/**
 * @param {string} path
 * @param {readonly Offered[]} offered
 */
function named(path, offered) {
  return path.replace(/^\[(\d+)\]/, (place, at) => {
    const thing = offered[Number(at)];
    return thing === undefined ? place : `${thing.kind}s.${thing.name}`;
  });
}

/**
 * Where the policy and what is offered do not fit: path and message of each.
 * @param {PolicyReport} report
 */
function forgottenIn({ unmatched_rules, defaulted, unreadable, default: rule }) {
  const needs = rule === "deny" ? "nobody may use it" : `it needs ${rule.join(" ") || "no scope"}`;
  return [
    ...unmatched_rules.map(({ kind, name }) => ({
      path: `policy.${kind}s.${name}`,
      message: `matches no ${kind} that is offered`,
    })),
    ...defaulted.map(({ kind, name }) => ({
      path: `${kind}s.${name}`,
      message: `has no rule, so by default ${needs}`,
    })),
    ...unreadable.map(({ kind, name }) => ({
      path: `${kind}s.${name}`,
      message: "nobody may use it: servers can take this URI for another",
    })),
  ];
}

module.exports = { declared };
