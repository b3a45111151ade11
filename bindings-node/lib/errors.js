"use strict";

const { HttpResponse, toResponse } = require("./http-response.js");

/** A request was refused. */
class Rejected extends Error {
  /** @param {import("./native-module.js").NativeRefusal} refusal */
  constructor({ reason, code, detail, response }) {
    super(`${reason}: ${detail}`);
    const { status, headers, body } = new HttpResponse(response);
    this.name = "Rejected";
    this.reason = reason;
    this.code = code;
    this.detail = detail;
    this.status = status;
    this.headers = headers;
    this.body = body;
  }

  get unavailable() {
    return this.reason === "keys_unavailable";
  }

  toResponse() {
    return toResponse(this);
  }
}

/** A configuration was refused. */
class ConfigError extends Error {
  /** @param {readonly import("./native-module.js").NativeMistake[]} mistakes */
  constructor(mistakes) {
    super(mistakes.map(({ path, message }) => (path === "" ? message : `${path}: ${message}`)).join("\n"));
    this.name = "ConfigError";
    this.errors = Object.freeze(mistakes.map(({ path, message }) => Object.freeze({ path, message })));
  }
}

module.exports = { ConfigError, Rejected };
