// Writes types/reason.d.ts from the core's list of reasons; `--check` only compares. Needs the built package.

import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";

const { reasons } = createRequire(import.meta.url)("./lib/native.js");

const file = new URL("types/reason.d.ts", import.meta.url);
const source = `// Generated from the core by generate-reason.mjs, never edited.

/** Why a request was refused. */
export type Reason =
${reasons()
  .map((name) => `  | "${name}"`)
  .join("\n")};
`;

if (!process.argv.includes("--check")) writeFileSync(file, source);
else if (readFileSync(file, "utf8") !== source) {
  console.error("types/reason.d.ts is not what generate-reason.mjs writes");
  process.exit(1);
}
