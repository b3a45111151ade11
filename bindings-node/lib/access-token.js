"use strict";

const { inspect } = require("node:util");
const native = require("./native.js");
const { own } = require("./own.js");

/** @typedef {import("./native-module.js").NativeToken} NativeToken */

const MADE_BY_A_SERVER = Symbol("made by a resource server");

/** @type {(value: unknown) => value is AccessToken} */
let isAccessToken;
/** @type {(token: unknown) => NativeToken["handle"]} */
let handleOf;

/** What a valid access token says. */
class AccessToken {
  /** @type {NativeToken["handle"]} */
  #handle;

  static {
    isAccessToken = (value) => typeof value === "object" && value !== null && #handle in value;
    handleOf = (token) => {
      if (!isAccessToken(token)) throw new TypeError("token: expected an AccessToken");
      return token.#handle;
    };
  }

  /**
   * @param {symbol} maker
   * @param {NativeToken} made
   */
  constructor(maker, made) {
    if (maker !== MADE_BY_A_SERVER) throw new TypeError("an AccessToken comes from a ResourceServer alone");
    const token = own(made);
    this.#handle = token.handle;
    this.issuer = token.issuer;
    this.subject = token.subject;
    this.clientId = token.clientId;
    this.scopes = Object.freeze(token.scopes);
    this.effectiveScopes = Object.freeze(token.effectiveScopes);
    this.audience = Object.freeze(token.audience);
    this.resource = token.resource;
    this.expiresAt = token.expiresAt;
    this.issuedAt = token.issuedAt;
    this.tokenId = token.tokenId;
    this.principal = token.principal;
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
    return native.claims(this.#handle);
  }
}

/** @param {NativeToken} token */
function accessTokenOf(token) {
  return new AccessToken(MADE_BY_A_SERVER, token);
}

module.exports = { AccessToken, accessTokenOf, handleOf, isAccessToken };
