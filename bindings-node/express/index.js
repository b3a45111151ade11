"use strict";

const { guard, judged } = require("../lib/adapter.js");
const { accessToken } = require("../lib/auth-info.js");
const { current } = require("../lib/current.js");
const { Rejected } = require("../lib/errors.js");
const { exchangeOf, send, watchSession } = require("../lib/node-http.js");

/**
 * @param {import("../types/auth-info.js").Gate} gate
 * @param {import("../types/auth-info.js").AdapterOptions} [options]
 * @returns {import("./index.js").Middleware}
 */
function scopegate(gate, options) {
  const judge = guard(gate, options);
  return (request, response, next) => {
    /** @param {import("../lib/adapter.js").Verdict} verdict */
    const act = (verdict) => {
      if ("answer" in verdict) return send(response, verdict.answer);
      if ("gone" in verdict) return undefined;
      if (verdict.auth !== undefined) {
        /** @type {import("../lib/node-http.js").NodeRequest} */ (request).auth = verdict.auth;
        watchSession(response, verdict.opened);
      }
      return next();
    };
    judged(judge, exchangeOf(request), act, next);
  };
}

/**
 * @param {import("../types/auth-info.js").Gate} gate
 * @returns {import("./index.js").Middleware}
 */
function metadata(gate) {
  const gateNow = current(gate);
  return (request, response, next) => {
    const { method, target, path } = exchangeOf(request);
    const now = gateNow();
    const answer = path === new URL(now.metadataUrl).pathname ? documentOf(now, method, target) : undefined;
    if (answer === undefined) next();
    else send(response, answer);
  };
}

/**
 * After a fault it is the refusal.
 * @param {import("../index.js").ResourceServer} gate
 * @param {string} method
 * @param {string} target
 */
function documentOf(gate, method, target) {
  try {
    return gate.wellKnown(method, target);
  } catch (error) {
    if (error instanceof Rejected) return error;
    throw error;
  }
}

module.exports = { accessToken, metadata, scopegate };
