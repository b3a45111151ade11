"use strict";

const { inspect } = require("node:util");

/**
 * What the core asks of a token when it decides on it again.
 * @typedef {object} Kept
 * @property {string} issuer
 * @property {string | undefined} subject
 * @property {string | undefined} clientId
 * @property {string | undefined} tokenId
 * @property {string} scope the granted scopes, with single blanks between them
 */

/** How many numbers there are with a token's text (`src/told.rs`). */
const NUMBERS = 12;

/** The places of the times. */
const [EXPIRES_AT, ISSUED_AT] = [10, 11];

const MADE_BY_A_SERVER = Symbol("made by a resource server");

/** @type {(value: unknown) => value is import("../index.js").AccessToken} */
let isAccessToken;
/** @type {(token: unknown) => Kept} */
let keptOf;

/** What a valid access token says. */
class AccessToken {
  /**
   * Apart from the members that everybody sees: decisions are by these.
   * @type {Kept}
   */
  #kept;
  /** @type {string} */
  #claims;

  static {
    isAccessToken = (value) => typeof value === "object" && value !== null && #kept in value;
    keptOf = (token) => {
      if (typeof token === "object" && token !== null && #kept in token) return token.#kept;
      throw new TypeError("token: expected an AccessToken");
    };
  }

  /**
   * @param {symbol} maker
   * @param {TokenReader} told
   */
  constructor(maker, told) {
    if (maker !== MADE_BY_A_SERVER) throw new TypeError("an AccessToken comes from a ResourceServer alone");
    const issuer = told.text();
    const subject = told.some();
    const clientId = told.some();
    const tokenId = told.some();
    const scope = told.text();
    const effective = told.some();
    const resource = told.text();
    const principal = told.some();
    this.#kept = { issuer, subject, clientId, tokenId, scope };
    this.issuer = issuer;
    this.subject = subject;
    this.clientId = clientId;
    this.scopes = scopes.of(scope);
    this.effectiveScopes = effective === undefined ? this.scopes : list(effective);
    this.audience = audiences.of(told.text());
    this.resource = resource;
    this.#claims = told.text();
    this.expiresAt = told.number(EXPIRES_AT);
    this.issuedAt = told.time(ISSUED_AT);
    this.tokenId = tokenId;
    this.principal = principal;
    Object.freeze(this);
  }

  /** What `console.log` shows: it ends in logs, where claims do not belong. */
  [inspect.custom]() {
    return "AccessToken {}";
  }

  /** @returns {Record<string, unknown>} */
  get claims() {
    return JSON.parse(this.claimsJson);
  }

  get claimsJson() {
    return this.#claims;
  }
}

/** Reads the tokens of one server. */
class TokenReader {
  #numbers = new Float64Array(NUMBERS);
  #text = "";
  #at = 0;
  #next = 0;

  /** Where the native module writes the numbers. */
  get bytes() {
    return Buffer.from(this.#numbers.buffer);
  }

  /**
   * The token of this text, whose numbers were written last.
   * @param {string} text
   */
  read(text) {
    this.#text = text;
    this.#at = 0;
    this.#next = 0;
    return new AccessToken(MADE_BY_A_SERVER, this);
  }

  /** The next part, or nothing where it is absent. */
  some() {
    const length = /** @type {number} */ (this.#numbers[this.#next++]);
    if (length < 0) return undefined;
    const start = this.#at;
    this.#at = start + length;
    return this.#text.slice(start, this.#at);
  }

  /** The next part, which is there. */
  text() {
    const part = this.some();
    if (part === undefined) throw new Error("a token without what each has");
    return part;
  }

  /** @param {number} place */
  number(place) {
    return /** @type {number} */ (this.#numbers[place]);
  }

  /** @param {number} place */
  time(place) {
    const time = this.number(place);
    return Number.isNaN(time) ? undefined : time;
  }
}

/** Lists as they are made of texts. Most tokens that follow each other have the same, and nobody can change it. */
class Lists {
  #made;
  /** @type {string | undefined} */
  #text;
  /** @type {readonly string[]} */
  #last = [];

  /** @param {(text: string) => readonly string[]} made */
  constructor(made) {
    this.#made = made;
  }

  /** @param {string} text */
  of(text) {
    if (text !== this.#text) {
      this.#last = this.#made(text);
      this.#text = text;
    }
    return this.#last;
  }
}

/** @param {string} text */
function list(text) {
  return Object.freeze(text === "" ? [] : text.split(" "));
}

const scopes = new Lists(list);
const audiences = new Lists((text) => Object.freeze(/** @type {string[]} */ (JSON.parse(text))));

module.exports = { AccessToken, TokenReader, isAccessToken, keptOf };
