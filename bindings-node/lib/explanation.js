"use strict";

/** Why a request would be accepted or refused. */
class Explanation {
  #json;
  #text;

  /** @param {{ json: string, text: string }} explained */
  constructor({ json, text }) {
    this.#json = json;
    this.#text = text;
    const members = JSON.parse(json);
    this.outcome = members.outcome;
    this.reason = members.reason;
    this.status = members.status;
    this.detail = members.detail;
    this.checks = Object.freeze(members.checks.map(Object.freeze));
    Object.freeze(this);
  }

  toString() {
    return this.#text;
  }

  toJson() {
    return this.#json;
  }
}

module.exports = { Explanation };
