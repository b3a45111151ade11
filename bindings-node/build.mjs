// Builds the native module with cargo and puts it beside this file, where lib/native.js looks for it.
//
// SCOPEGATE_PROFILE names another cargo profile than "release", such as "dev". `--test-hooks` builds the module that
// tests can ask to panic, with the profile "dev", into build/ and never into the package.

import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, renameSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const { platformName } = createRequire(import.meta.url)("./lib/platform.js");

const here = dirname(fileURLToPath(import.meta.url));
const testHooks = process.argv.includes("--test-hooks");
const target = testHooks
  ? join(here, "build", "scopegate.test-hooks.node")
  : join(here, `scopegate.${platformName()}.node`);

const built = cargo(testHooks ? "dev" : (process.env.SCOPEGATE_PROFILE ?? "release"));
mkdirSync(dirname(target), { recursive: true });
// A process that has the old one loaded keeps its file, and none sees half of the new one.
copyFileSync(built, `${target}.new`);
renameSync(`${target}.new`, target);

/** Runs cargo; the path of the library that it made. */
function cargo(profile) {
  const args = ["build", "--locked", "--profile", profile, "--package", "scopegate-node"];
  if (testHooks) args.push("--features", "scopegate-node/test-hooks");
  args.push("--message-format", "json-render-diagnostics");
  const { status, error, stdout } = spawnSync("cargo", args, {
    cwd: here,
    encoding: "utf8",
    maxBuffer: 1 << 30,
    stdio: ["ignore", "pipe", "inherit"],
  });
  if (error) fail(`cargo could not be started (${error.message}). Building scopegate needs a Rust toolchain.`);
  if (status !== 0) fail("cargo failed; its messages are above.");
  const messages = stdout.split("\n").filter((line) => line.startsWith("{"));
  const artifacts = messages.map((line) => JSON.parse(line)).filter(({ reason }) => reason === "compiler-artifact");
  const library = artifacts.find(({ target: { name } }) => name === "scopegate_node");
  return library?.filenames[0] ?? fail("cargo built no library.");
}

function fail(message) {
  console.error(`scopegate: ${message}`);
  process.exit(1);
}
