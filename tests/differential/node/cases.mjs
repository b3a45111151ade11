// The cases, profile by profile, and the file of a judge's answers.

import { createReadStream, createWriteStream, readFileSync } from "node:fs";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";

/** The profiles by name. */
export function profiles(folder) {
  const all = JSON.parse(readFileSync(join(folder, "profiles.json"), "utf8"));
  return new Map(all.map((profile) => [profile.name, profile]));
}

/**
 * Asks a judge about every case and writes `{"id", "refusal"}` for each: the code of its refusal, or null.
 * A judge gives undefined for a case that it has no opinion on; that has no line.
 */
export async function judgeAll(folder, name, judge) {
  const lines = createInterface({ input: createReadStream(join(folder, "cases.jsonl")), crlfDelay: Infinity });
  const answers = createWriteStream(join(folder, `${name}.jsonl`));
  for await (const line of lines) {
    const { id, profile, token, lines: fieldLines } = JSON.parse(line);
    const refusal = await judge({ profile, token, lines: fieldLines });
    if (refusal !== undefined && !answers.write(`${JSON.stringify({ id, refusal })}\n`)) await once(answers, "drain");
  }
  answers.end();
  await once(answers, "finish");
}

/** The code of an error; the class where it has none. */
export function code(error) {
  return error.code ?? error.name;
}
