"use strict";

// Tokens that came before: the same object again, which is never changed, in the place of one that is made anew.

/** @typedef {import("../index.js").AccessToken} AccessToken */

/** How many tokens are remembered at most. */
const PLACES = 1024;

/**
 * The objects of one server's tokens, by the numbers of their verifications. The native module never gives a number twice
 * in a process, so that an object cannot be taken for another token's. Nothing is kept here that nobody uses: an object is
 * held weakly, and its place is the next one's that comes to it.
 */
class VerifiedTokens {
  /** @type {({ readonly verification: number, readonly token: WeakRef<AccessToken> } | undefined)[]} */
  #places = new Array(PLACES).fill(undefined);

  /**
   * The object of this verification, or nothing.
   * @param {number} verification
   */
  find(verification) {
    const place = this.#places[verification % PLACES];
    return place !== undefined && place.verification === verification ? place.token.deref() : undefined;
  }

  /**
   * Remembers an object.
   * @param {number} verification
   * @param {AccessToken} token
   */
  remember(verification, token) {
    this.#places[verification % PLACES] = { verification, token: new WeakRef(token) };
  }
}

module.exports = { PLACES, VerifiedTokens };
