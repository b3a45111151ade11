"use strict";

const { ConfigError } = require("./errors.js");

/**
 * The configuration as the core reads it. A value that JSON would drop or change is a mistake: a setting that is
 * silently missing could be a safeguard.
 * @param {unknown} configuration
 */
function toJson(configuration) {
  const mistakes = unfit("", configuration).map(({ path, found }) => ({ path: path || ".", message: expected(found) }));
  if (mistakes.length > 0) throw new ConfigError(mistakes);
  return JSON.stringify(configuration);
}

/** @param {string} found */
function expected(found) {
  return found === "undefined"
    ? "expected a value, not undefined: leave the member out, or set the variable that it comes from"
    : `expected a value that JSON can hold, not ${found}`;
}

/**
 * Path and type of each value that JSON cannot hold.
 * @param {string} path
 * @param {unknown} value
 * @param {readonly unknown[]} [above]
 * @returns {{ path: string, found: string }[]}
 */
function unfit(path, value, above = []) {
  if (value === null || typeof value === "string" || typeof value === "boolean") return [];
  if (typeof value === "number") return Number.isFinite(value) ? [] : [{ path, found: String(value) }];
  if (typeof value !== "object") return [{ path, found: typeof value }];
  if (above.includes(value)) return [{ path, found: "an object that holds itself" }];
  if ("toJSON" in value) return [{ path, found: "an object that rewrites itself" }];
  if (Array.isArray(value)) {
    return Array.from(value).flatMap((item, index) => unfit(`${path}[${index}]`, item, [...above, value]));
  }
  if (!isPlain(value)) return [{ path, found: value.constructor?.name ?? "an object of a class" }];
  return Object.entries(value).flatMap(([key, member]) =>
    unfit(path === "" ? key : `${path}.${key}`, member, [...above, value]),
  );
}

/** @param {object} value */
function isPlain(value) {
  const prototype = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null; // an object of another realm counts
}

module.exports = { toJson, unfit };
