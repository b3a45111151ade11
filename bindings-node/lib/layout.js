"use strict";

// A request in one piece of memory that the native module reads: a crossing for each of its parts would cost more than
// the decision. `src/request.rs` says in which order.

/** @typedef {ReturnType<typeof import("./request.js").prepare>} Prepared */

/** Room for a request with a token of usual length. */
const USUAL = 4096;

/** Shorter texts are copied faster here than by a call. */
const SHORT = 32;

class Layout {
  #bytes = Buffer.alloc(USUAL);
  #view = new DataView(this.#bytes.buffer, this.#bytes.byteOffset, USUAL);
  #end = 0;
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
    this.#view.setFloat64(0, request.now ?? NaN, IS_LITTLE_ENDIAN);
    this.#end = 8;
    this.#text(request.method);
    this.#text(request.target);
    this.#lines(request.authorization);
    this.#lines(request.origin);
    this.#lines(request.accessControlRequestMethod);
    this.#lines(request.accessControlRequestHeaders);
    this.#lines(request.protocolVersion);
    this.#lines(request.mcpMethod);
    this.#lines(request.mcpName);
    this.#count(request.scopes.length);
    for (const scope of request.scopes) this.#text(scope);
    return this.#end;
  }

  /** @param {readonly string[]} lines */
  #lines(lines) {
    this.#count(lines.length);
    for (const line of lines) this.#line(line);
  }

  /**
   * The bytes of one field value. Node.js and fetch decode field values as ISO 8859-1, so text goes back that way.
   * @param {string} line
   */
  #line(line) {
    if (this.#isShort(line)) return;
    if (NO_BYTES.test(line)) this.#utf8(line);
    else this.#ended(this.#bytes.write(line, this.#end + 4, "latin1"));
  }

  /** @param {string} text */
  #text(text) {
    if (!this.#isShort(text)) this.#utf8(text);
  }

  /** @param {string} text */
  #utf8(text) {
    this.#ended(this.#bytes.write(text, this.#end + 4));
  }

  /**
   * Makes room for a text, and writes it if it is short and of ASCII.
   * @param {string} text
   */
  #isShort(text) {
    const { length } = text;
    this.#makeRoom(4 + 3 * length);
    if (length > SHORT) return false;
    const start = this.#end + 4;
    for (let at = 0; at < length; at += 1) {
      const code = text.charCodeAt(at);
      if (code > 0x7f) return false;
      this.#bytes[start + at] = code;
    }
    this.#ended(length);
    return true;
  }

  /** @param {number} length of the text that was written */
  #ended(length) {
    this.#count(length);
    this.#end += length;
  }

  /** @param {number} count */
  #count(count) {
    this.#makeRoom(4);
    this.#view.setUint32(this.#end, count, IS_LITTLE_ENDIAN);
    this.#end += 4;
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
