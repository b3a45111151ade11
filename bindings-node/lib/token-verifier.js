"use strict";

const { sideOf } = require("./adapter.js");
const { authInfo } = require("./auth-info.js");
const { Rejected } = require("./errors.js");
const { own } = require("./own.js");

/**
 * The verifier for one generation of the SDK, which tells errors by class.
 * @param {(description: string) => Error} invalidToken
 */
function tokenVerifierWith(invalidToken) {
  return class TokenVerifier {
    #gate;
    #exposeToken;

    /**
     * @param {import("../index.js").ResourceServer} gate
     * @param {{ exposeToken?: boolean }} [options]
     */
    constructor(gate, options) {
      const { exposeToken = false } = own(options);
      if (typeof exposeToken !== "boolean") throw new TypeError("exposeToken: expected a boolean");
      if (sideOf(gate).hasPolicy) {
        throw new TypeError("a policy cannot be enforced by a verifier: put an adapter of scopegate in front");
      }
      this.#gate = gate;
      this.#exposeToken = exposeToken;
    }

    /** @param {string} token */
    async verifyAccessToken(token) {
      try {
        const verified = await this.#gate.authorize({ authorization: `Bearer ${token}` });
        const info = authInfo(this.#gate, verified, () => token, this.#exposeToken);
        // The SDK compares it with its own clock.
        return { ...info, expiresAt: verified.expiresAt + sideOf(this.#gate).leewaySeconds };
      } catch (error) {
        if (error instanceof Rejected && !UNDECIDED.has(error.reason)) throw invalidToken("the token was refused");
        throw error;
      }
    }
  };
}

/** Nothing was judged: the token may be good. */
const UNDECIDED = new Set(["keys_unavailable", "internal", "clock_unusable"]);

module.exports = { tokenVerifierWith };
