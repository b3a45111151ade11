"use strict";

// The native module: beside this package after a build from source, else in the package for this platform.

const { existsSync } = require("node:fs");
const { join } = require("node:path");
const { platformName, PLATFORMS } = require("./platform.js");

/** @returns {typeof import("./native-module.js")} */
function load() {
  const name = platformName();
  const local = join(__dirname, "..", `scopegate.${name}.node`);
  if (existsSync(local)) return require(local);
  try {
    return require(`@scopegate/${name}`);
  } catch (cause) {
    throw new Error(explain(name), { cause });
  }
}

/** @param {string} name */
function explain(name) {
  const shipped = PLATFORMS.some((platform) => platform.name === name);
  const cure = shipped
    ? `Install the package @scopegate/${name}: it is an optional dependency, which npm leaves out with --omit=optional ` +
      "or when node_modules was copied from another platform. A bundler must leave scopegate external."
    : "No package is made for this platform. Build from source: a Rust toolchain and `npm install <clone>/bindings-node`.";
  return `scopegate: no native module for ${name} (Node.js ${process.version}). ${cure}`;
}

module.exports = load();
