"use strict";

const { createHash } = require("node:crypto");
const { isAccessToken } = require("./access-token.js");

/**
 * @typedef {import("../index.js").AccessToken} AccessToken
 * @typedef {import("../types/auth-info.js").AuthInfo} AuthInfo
 */

/**
 * What the official SDKs call a verified token.
 * @param {import("../index.js").ResourceServer} gate
 * @param {AccessToken} token
 * @param {() => string} credential the token as it was sent
 * @param {boolean} exposeToken
 * @returns {AuthInfo}
 */
function authInfo(gate, token, credential, exposeToken) {
  return {
    token: exposeToken ? credential() : "",
    clientId: clientId(token, credential),
    scopes: [...token.effectiveScopes],
    expiresAt: token.expiresAt,
    resource: new URL(token.resource),
    resourceMetadataUrl: gate.metadataUrl,
    extra: { accessToken: token },
  };
}

/**
 * @param {import("../types/auth-info.js").TokenBearer | undefined} source
 * @returns {AccessToken}
 */
function accessToken(source) {
  const token = source?.extra?.accessToken ?? source?.auth?.extra?.accessToken;
  if (!isAccessToken(token)) {
    throw new TypeError("no access token: expected what an adapter of scopegate put on a request that it let pass");
  }
  return token;
}

/**
 * Whom a session belongs to: issuer, client and subject.
 * @param {AccessToken} token
 * @param {() => string} credential
 */
function sessionOwner(token, credential) {
  return JSON.stringify([token.issuer, clientId(token, credential), token.subject ?? null]);
}

/**
 * The client. A token without a principal names neither client nor subject, or both by empty names: it is its own, or any
 * two of them could share a session.
 * @param {AccessToken} token
 * @param {() => string} credential
 */
function clientId(token, credential) {
  if (token.principal !== undefined) return token.clientId ?? "";
  return `anonymous:${createHash("sha256").update(credential()).digest("hex")}`;
}

module.exports = { accessToken, authInfo, sessionOwner };
