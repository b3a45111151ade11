"use strict";

const native = require("../lib/native.js");

/** @typedef {import("./index.js").Claims} Claims */

/** An authorization server in memory. */
class Issuer {
  #handle;

  /** @param {{ resource?: string }} [options] */
  constructor({ resource = "https://mcp.test/mcp" } = {}) {
    if (typeof resource !== "string") throw new TypeError("resource: expected a string");
    this.#handle = native.issuer(resource);
  }

  get issuer() {
    return native.issuerName(this.#handle);
  }

  server() {
    return JSON.parse(native.issuerServer(this.#handle));
  }

  /** @param {Claims} [claims] */
  mint(claims = {}) {
    return native.mint(this.#handle, JSON.stringify(claims));
  }

  /** @param {Claims} [claims] */
  authorization(claims) {
    return `Bearer ${this.mint(claims)}`;
  }

  /** @param {Claims} [claims] */
  headers(claims) {
    return { Authorization: this.authorization(claims) };
  }

  rotate() {
    native.rotate(this.#handle);
  }
}

module.exports = { Issuer };
