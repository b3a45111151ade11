"use strict";

// A request in one piece of memory that the native module reads: a crossing for each of its parts would cost more than
// the decision. `src/request.rs` says in which order.

/**
 * @typedef {ReturnType<typeof import("./request.js").prepare>} Prepared
 * @typedef {Prepared["authorization"]} Lines
 */

/** The numbers of the fields, as in `src/request.rs`. */
const FIELD = {
  method: 0,
  target: 1,
  authorization: 2,
  origin: 3,
  accessControlRequestMethod: 4,
  accessControlRequestHeaders: 5,
  protocolVersion: 6,
  mcpMethod: 7,
  mcpName: 8,
  scope: 9,
  tokenIssuer: 10,
  tokenSubject: 11,
  tokenClientId: 12,
  tokenId: 13,
  tokenScope: 14,
};

/** Before each text stand the number of its field and its length. */
const HEAD = 8;

/** Room for a request with a token of usual length. */
const USUAL = 4096;

/** Shorter texts are copied faster here than by a call. */
const SHORT = 32;

class Layout {
  #bytes = Buffer.alloc(USUAL);
  #view = new DataView(this.#bytes.buffer, this.#bytes.byteOffset, USUAL);
  #end = 0;
  // What the last request began with, and its end: most requests of a server begin so.
  /** @type {string | undefined} */
  #method = undefined;
  /** @type {string | undefined} */
  #target = undefined;
  #headEnd = 8;
  /** @type {(bytes: Uint8Array) => void} */
  #grown;

  /** @param {(bytes: Uint8Array) => void} grown is told of other memory */
  constructor(grown) {
    this.#grown = grown;
  }

  get bytes() {
    return this.#bytes;
  }

  /**
   * Lays out the request in the place of the last one; how many bytes it takes.
   * @param {Prepared} request
   */
  write(request) {
    const { method, target } = request;
    this.#view.setFloat64(0, request.now ?? NaN, IS_LITTLE_ENDIAN);
    if (method === this.#method && target === this.#target) this.#end = this.#headEnd;
    else this.#head(method, target);
    this.#lines(FIELD.authorization, request.authorization);
    this.#lines(FIELD.origin, request.origin);
    this.#lines(FIELD.accessControlRequestMethod, request.accessControlRequestMethod);
    this.#lines(FIELD.accessControlRequestHeaders, request.accessControlRequestHeaders);
    this.#lines(FIELD.protocolVersion, request.protocolVersion);
    this.#lines(FIELD.mcpMethod, request.mcpMethod);
    this.#lines(FIELD.mcpName, request.mcpName);
    const { scopes } = request;
    for (let at = 0; at < scopes.length; at += 1) this.#text(FIELD.scope, /** @type {string} */ (scopes[at]));
    return this.#end;
  }

  /**
   * The same, with the token that is decided on.
   * @param {Prepared} request
   * @param {import("./access-token.js").Kept} token
   */
  writeWith(request, { issuer, subject, clientId, tokenId, scope }) {
    this.write(request);
    this.#text(FIELD.tokenIssuer, issuer);
    if (subject !== undefined) this.#text(FIELD.tokenSubject, subject);
    if (clientId !== undefined) this.#text(FIELD.tokenClientId, clientId);
    if (tokenId !== undefined) this.#text(FIELD.tokenId, tokenId);
    this.#text(FIELD.tokenScope, scope);
    return this.#end;
  }

  /**
   * @param {string} method
   * @param {string} target
   */
  #head(method, target) {
    // Nothing, should there be no room for what comes.
    this.#method = undefined;
    this.#end = 8;
    if (method !== "") this.#text(FIELD.method, method);
    if (target !== "") this.#text(FIELD.target, target);
    this.#method = method;
    this.#target = target;
    this.#headEnd = this.#end;
  }

  /**
   * @param {number} field
   * @param {Lines} lines
   */
  #lines(field, lines) {
    if (lines === undefined) return;
    if (typeof lines === "string") this.#line(field, lines);
    else for (let at = 0; at < lines.length; at += 1) this.#line(field, /** @type {string} */ (lines[at]));
  }

  /**
   * The bytes of one field value. Node.js and fetch decode field values as ISO 8859-1, so text goes back that way.
   * @param {number} field
   * @param {string} line
   */
  #line(field, line) {
    if (this.#isShort(field, line)) return;
    if (NO_BYTES.test(line)) this.#utf8(field, line);
    else this.#ended(field, this.#bytes.write(line, this.#end + HEAD, "latin1"));
  }

  /**
   * @param {number} field
   * @param {string} text
   */
  #text(field, text) {
    if (!this.#isShort(field, text)) this.#utf8(field, text);
  }

  /**
   * @param {number} field
   * @param {string} text
   */
  #utf8(field, text) {
    this.#ended(field, this.#bytes.write(text, this.#end + HEAD));
  }

  /**
   * Makes room for a text, and writes it if it is short and of ASCII.
   * @param {number} field
   * @param {string} text
   */
  #isShort(field, text) {
    const { length } = text;
    this.#makeRoom(HEAD + 3 * length);
    if (length > SHORT) return false;
    const bytes = this.#bytes;
    const start = this.#end + HEAD;
    for (let at = 0; at < length; at += 1) {
      const code = text.charCodeAt(at);
      if (code > 0x7f) return false;
      bytes[start + at] = code;
    }
    this.#ended(field, length);
    return true;
  }

  /**
   * @param {number} field
   * @param {number} length of its text, which was written
   */
  #ended(field, length) {
    this.#view.setUint32(this.#end, field, IS_LITTLE_ENDIAN);
    this.#view.setUint32(this.#end + 4, length, IS_LITTLE_ENDIAN);
    this.#end += HEAD + length;
  }

  /** @param {number} bytes */
  #makeRoom(bytes) {
    const needed = this.#end + bytes;
    if (needed <= this.#bytes.length) return;
    const larger = Buffer.alloc(2 * needed);
    this.#bytes.copy(larger, 0, 0, this.#end);
    this.#bytes = larger;
    this.#view = new DataView(larger.buffer, larger.byteOffset, larger.length);
    this.#grown(larger);
  }
}

const IS_LITTLE_ENDIAN = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1;

/** A character that ISO 8859-1 does not have. */
const NO_BYTES = /[^\0-\xff]/;

module.exports = { Layout };
