"use strict";

// The command line: `npx scopegate explain`.

const { readFileSync } = require("node:fs");
const { parseArgs } = require("node:util");
const { ConfigError, ResourceServer, version } = require("../index.js");
const native = require("./native.js");

const USAGE = `usage: scopegate explain [options]

Tells why a request is accepted or refused: every check, with what was expected and found. Standard input has the token,
Authorization lines or a whole HTTP request.

  --config FILE      the configuration, JSON (default: SCOPEGATE_*)
  --token-file FILE  in place of standard input
  --method METHOD    the HTTP method (default: the request's, or POST)
  --target TARGET    path and query (default: the request's, or the path of the resource)
  --body FILE        the body of the request
  --scope SCOPE      a scope that the request needs besides; may repeat
  --json             the explanation as JSON
  --offline          fetch no keys
  --now SECONDS      the time to judge by, in seconds since 1970
  --version          the version of this package

exit status: 0 the request may pass, 1 it is refused, 2 it cannot be told (keys or the body are missing) or the arguments are
wrong. A token is never taken from the arguments, where every user of the machine can read it.
`;

/** Wrong arguments. */
class Misuse extends Error {}

/**
 * @param {string[]} args
 * @returns {Promise<number>} the exit status
 */
async function main(args) {
  try {
    const options = optionsOf(args);
    if (options.help || options.version) {
      process.stdout.write(options.help ? USAGE : `${version}\n`);
      return 0;
    }
    const explanation = await explain(options);
    process.stdout.write(options.json ? `${explanation.toJson()}\n` : String(explanation));
    return { accepted: 0, refused: 1, needs_keys: 2, needs_body: 2 }[explanation.outcome];
  } catch (error) {
    return fail(error);
  }
}

/** @param {string[]} args */
function optionsOf(args) {
  const text = /** @type {const} */ ({ type: "string" });
  const flag = /** @type {const} */ ({ type: "boolean" });
  const { values, positionals } = parsed(() =>
    parseArgs({
      args,
      allowPositionals: true,
      options: {
        config: text,
        "token-file": text,
        method: text,
        target: text,
        body: text,
        scope: { type: "string", multiple: true },
        json: flag,
        offline: flag,
        now: text,
        help: { type: "boolean", short: "h" },
        version: flag,
      },
    }),
  );
  if (values.help || values.version) return values;
  if (positionals[0] !== "explain") throw new Misuse("expected the command explain; --help tells more");
  if (positionals.length > 1) {
    throw new Misuse("unknown arguments; a token is read from standard input or --token-file");
  }
  if (values.now !== undefined && !/^-?\d{1,15}$/.test(values.now)) throw new Misuse("--now: expected whole seconds");
  return values;
}

/**
 * @template T
 * @param {() => T} parse
 * @returns {T}
 */
function parsed(parse) {
  try {
    return parse();
  } catch (error) {
    throw new Misuse(error instanceof Error ? error.message : "wrong arguments");
  }
}

/** @param {ReturnType<typeof optionsOf>} options */
async function explain(options) {
  const { config, body, now } = options;
  if (config === undefined && !native.environment().some((name) => process.env[name])) {
    throw new Misuse("no configuration: expected --config FILE, or SCOPEGATE_CONFIG or its like in the environment");
  }
  const gate = config === undefined ? ResourceServer.fromEnv() : ResourceServer.fromJson(readFileSync(config, "utf8"));
  const source = readFileSync(options["token-file"] ?? process.stdin.fd);
  /** @type {import("../index.js").RequestDetails} */
  const request = { method: "POST", target: gate.path, ...native.pasted(source) };
  if (!options.offline) {
    await gate.warmUp().catch((error) => {
      process.stderr.write(`scopegate: ${error.message}\n`);
    });
  }
  return gate.explain({
    ...request,
    method: options.method ?? request.method,
    target: options.target ?? request.target,
    body: body === undefined ? request.body : readFileSync(body),
    scopes: options.scope,
    now: now === undefined ? undefined : Number(now),
  });
}

/**
 * @param {unknown} error
 * @returns {number}
 */
function fail(error) {
  const isOfTheSystem = error instanceof Error && "syscall" in error;
  if (!(error instanceof ConfigError || error instanceof Misuse || isOfTheSystem)) throw error;
  const lines =
    error instanceof ConfigError ? error.errors.map(({ path, message }) => `${path}: ${message}`) : [error.message];
  for (const line of lines) process.stderr.write(`scopegate: ${line}\n`);
  return 2;
}

module.exports = { main };
