// Nothing is decided twice: no byte of a refusal is written in the binding.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { extname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../", import.meta.url));
const FOLDERS = ["src", "lib", "express", "fastify", "hono", "fetch", "mcp", "mcp-v1", "testing"];
const FORBIDDEN = [
  "www-authenticate",
  "invalid_token",
  "insufficient_scope",
  "invalid_request",
  ".well-known",
  "retry-after",
];
const STATUS = /(?<![\w.#])[45]\d\d(?![\w.])/g;

/**
 * An adapter's own: a body with a coding, a session of someone else (as the SDKs answer it), and what a host is told when
 * the client has left.
 */
const OWN = { "lib/adapter.js": ["415", "404"], "lib/web.js": ["408"] };

/** The code without comments. */
function code(text) {
  return text.replaceAll(/\/\*[\s\S]*?\*\//g, "").replaceAll(/(?<!:)\/\/.*/g, "");
}

const files = [
  "index.js",
  ...FOLDERS.flatMap((folder) => readdirSync(join(root, folder)).map((name) => `${folder}/${name}`)),
].filter((name) => [".rs", ".js", ".mjs"].includes(extname(name)));

for (const name of files) {
  test(`${name} holds no status and no word of a refusal`, () => {
    const text = code(readFileSync(join(root, name), "utf8"));
    assert.deepEqual(
      FORBIDDEN.filter((word) => text.toLowerCase().includes(word)),
      [],
    );
    assert.deepEqual(text.match(STATUS) ?? [], OWN[name] ?? []);
  });
}

test("the search sees what it must", () => {
  const text = code('/** 403 in documentation. */\nconst status = 403; // 401\nconst name = "invalid_token";\n');
  assert.deepEqual(text.match(STATUS), ["403"]);
  assert.ok(text.includes("invalid_token"));
});
