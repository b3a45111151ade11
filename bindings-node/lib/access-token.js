"use strict";

const { inspect } = require("node:util");
const native = require("./native.js");
const { own } = require("./own.js");

/**
 * @typedef {import("./native-module.js").NativeToken} NativeToken
 * @typedef {[string, string, string, string, string, string, string, string, string, string, ...string[]]} Fields
 */

/** Stands between the fields of a token's text (`src/outcome.rs`). */
const SEPARATOR = "\0";

const MADE_BY_A_SERVER = Symbol("made by a resource server");

/** @type {(value: unknown) => value is import("../index.js").AccessToken} */
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
      if (typeof token === "object" && token !== null && #handle in token) return token.#handle;
      throw new TypeError("token: expected an AccessToken");
    };
  }

  /**
   * @param {symbol} maker
   * @param {NativeToken} made
   */
  constructor(maker, made) {
    if (maker !== MADE_BY_A_SERVER) throw new TypeError("an AccessToken comes from a ResourceServer alone");
    const { handle, text } = own(made);
    const fields = /** @type {Fields} */ (text.split(SEPARATOR));
    const [
      issuer,
      subject,
      clientId,
      scopes,
      effective,
      resource,
      expiresAt,
      issuedAt,
      tokenId,
      principal,
      ...audience
    ] = fields;
    const issued = some(issuedAt);
    this.#handle = handle;
    this.issuer = issuer;
    this.subject = some(subject);
    this.clientId = some(clientId);
    this.scopes = list(scopes);
    this.effectiveScopes = effective === scopes ? this.scopes : list(effective);
    this.audience = Object.freeze(audience);
    this.resource = resource;
    this.expiresAt = Number(expiresAt);
    this.issuedAt = issued === undefined ? undefined : Number(issued);
    this.tokenId = some(tokenId);
    this.principal = some(principal);
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

/** @param {string} field */
function some(field) {
  return field === "" ? undefined : field.slice(1);
}

/** @param {string} scopes */
function list(scopes) {
  return Object.freeze(scopes === "" ? [] : scopes.split(" "));
}

/** @param {NativeToken} token */
function accessTokenOf(token) {
  return new AccessToken(MADE_BY_A_SERVER, token);
}

module.exports = { AccessToken, accessTokenOf, handleOf, isAccessToken };
