// Answers of the Node.js judges: node judge.mjs FOLDER

import { judgeAll, profiles } from "./cases.mjs";
import { joseJudge } from "./jose.mjs";
import { oauth4webapiJudge } from "./oauth4webapi.mjs";

// Both choose between two decoders of base64url by this function, which newer versions of Node.js have. The counts are
// those of the decoder that works everywhere.
delete Uint8Array.fromBase64;
const jose = await import("jose");
const oauth = await import("oauth4webapi");

const folder = process.argv[2];
const known = profiles(folder);
await judgeAll(folder, "jose", joseJudge(jose, known));
await judgeAll(folder, "oauth4webapi", oauth4webapiJudge(oauth, known));
