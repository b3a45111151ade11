"use strict";

// The gate of an adapter: one that stays, or the one that a function gives when a request begins.

/**
 * @typedef {import("../index.js").AccessToken} AccessToken
 * @typedef {import("../index.js").ResourceServer} ResourceServer
 * @typedef {import("../types/auth-info.js").Gate} Gate
 */

/**
 * @param {Gate} gate
 * @returns {() => ResourceServer} throws TypeError where a function gives no gate
 */
function current(gate) {
  if (typeof gate !== "function") {
    const stays = checked(gate);
    return () => stays;
  }
  return () => checked(gate());
}

/** @param {ResourceServer} gate */
function checked(gate) {
  if (typeof gate?.authorize !== "function") {
    throw new TypeError("expected a ResourceServer, or a function that gives one");
  }
  return gate;
}

/** @type {WeakMap<AccessToken, ResourceServer>} */
const judges = new WeakMap();

/**
 * Notes which gate verified a token: what else the request asks is for that one.
 * @param {AccessToken} token
 * @param {ResourceServer} gate
 */
function noteJudge(token, gate) {
  judges.set(token, gate);
}

/** @param {AccessToken} token */
function judgeOf(token) {
  return judges.get(token);
}

module.exports = { current, judgeOf, noteJudge };
