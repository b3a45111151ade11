"use strict";

// What an operator does about keys: arguments in, and what is wrong with them out.

const { unfit } = require("./configuration.js");

/**
 * @param {string} name
 * @param {unknown} value
 */
function text(name, value) {
  if (typeof value !== "string") throw new TypeError(`${name}: expected a string`);
  // The native module would replace half a character, and so name another key.
  if (!isWellFormed(value)) throw new RangeError(`${name}: expected whole characters`);
  return value;
}

/** @param {string} value */
function isWellFormed(value) {
  return !/\p{Surrogate}/u.test(value);
}

/**
 * A JWK Set as JSON text. A value that JSON would drop or change is a mistake.
 * @param {unknown} jwks
 */
function jwksText(jwks) {
  if (typeof jwks === "string") return jwks;
  if (typeof jwks !== "object" || jwks === null) {
    throw new TypeError("jwks: expected a JWK Set, as an object or as JSON text");
  }
  const [first] = unfit("jwks", jwks);
  if (first !== undefined) {
    throw new TypeError(`${first.path}: expected a value that JSON can hold, not ${first.found}`);
  }
  return JSON.stringify(jwks);
}

/**
 * Throws what the core says is wrong with an argument. Nothing has changed then.
 * @param {import("./native-module.js").NativeMistake | null} mistake
 */
function done(mistake) {
  if (mistake !== null) throw new RangeError(`${mistake.path}: ${mistake.message}`);
}

module.exports = { done, jwksText, text };
