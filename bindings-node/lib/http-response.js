"use strict";

/** An HTTP response that is ready to send. */
class HttpResponse {
  /** @param {import("./native-module.js").NativeResponse} response */
  constructor({ status, headers, body }) {
    this.status = status;
    this.headers = headers;
    this.body = body;
    for (const header of headers) Object.freeze(header);
    Object.freeze(headers);
    Object.freeze(this);
  }

  toResponse() {
    return toResponse(this);
  }
}

/** @param {{ status: number, headers: readonly (readonly [string, string])[], body: string }} response */
function toResponse({ status, headers, body }) {
  return new Response(body === "" ? null : body, { status, headers: headers.map(([name, value]) => [name, value]) });
}

module.exports = { HttpResponse, toResponse };
