"use strict";

// Scopes that depend on the call: what the function in an adapter's `scopes` is asked, and what is made of its answer.

const { isListOfStrings } = require("./request.js");

/**
 * @typedef {import("../index.js").AccessToken} AccessToken
 * @typedef {import("../types/auth-info.js").AdapterCall} AdapterCall
 * @typedef {import("../types/auth-info.js").ScopesOfCall} ScopesOfCall
 * @typedef {{ method: string, name: string | null, params: Record<string, unknown> | null }} NativeFullCall
 */

/**
 * What a body's calls need by the function, each scope once; a request that calls nothing is asked about too.
 * @param {ScopesOfCall} scopesOf
 * @param {readonly NativeFullCall[]} calls
 * @param {AccessToken} token
 */
async function needOf(scopesOf, calls, token) {
  const needed = new Set();
  for (const call of calls.length > 0 ? calls : [NOTHING]) {
    for (const scope of await asked(scopesOf, call, token)) needed.add(scope);
  }
  return [...needed];
}

const NOTHING = { method: undefined, name: null, params: null };

/**
 * @param {ScopesOfCall} scopesOf
 * @param {NativeFullCall | typeof NOTHING} call
 * @param {AccessToken} token
 */
async function asked(scopesOf, { method, name, params }, token) {
  let scopes;
  try {
    scopes = await scopesOf({ method, name: name ?? undefined, params: params ?? {}, token });
  } catch (error) {
    // Without what it said: that may hold arguments or claims.
    throw new Error(`scopes: the function threw ${error instanceof Error ? error.name : typeof error}`);
  }
  if (scopes === undefined || scopes === null) return [];
  if (!isListOfStrings(scopes)) throw new Error("scopes: expected a list of strings from the function");
  return scopes;
}

module.exports = { needOf };
