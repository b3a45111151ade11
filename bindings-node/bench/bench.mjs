// The cost of one decision, RS256 and warm keys, beside the libraries that people verify with: `node bench/bench.mjs`.
//
// Each is set up at its best: the key is parsed once, issuer and audience are checked, nothing is cached by token.
// Prints the machine, then microseconds for each call: the median of rounds that the candidates take in turn, and the
// fastest and the slowest round.

import { createPrivateKey, generateKeyPairSync } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { cpus } from "node:os";
import { JwtVerifier } from "aws-jwt-verify";
import { createVerifier } from "fast-jwt";
import { createLocalJWKSet, jwtVerify, SignJWT } from "jose";
import jsonwebtoken from "jsonwebtoken";
import { ResourceServer, version } from "scopegate";

const native = createRequire(import.meta.url)("../lib/native.js");

const ROUNDS = 15;
const CALLS = 1000;
const IN_FLIGHT = 16;
const issuer = "https://issuer.test";
const audience = "https://mcp.test/mcp";

const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
const jwk = { ...publicKey.export({ format: "jwk" }), kid: "1", alg: "RS256", use: "sig" };
const token = await new SignJWT({ scope: "mcp:tools:weather", client_id: "client", sub: "user", jti: "1" })
  .setProtectedHeader({ alg: "RS256", kid: "1", typ: "at+jwt" })
  .setIssuer(issuer)
  .setAudience(audience)
  .setIssuedAt()
  .setExpirationTime("1h")
  .sign(createPrivateKey(privateKey.export({ format: "pem", type: "pkcs8" })));
const authorization = `Bearer ${token}`;

const gate = new ResourceServer({
  resource: audience,
  authorization_servers: [{ issuer, jwks: { keys: [jwk] }, token_format: "rfc9068" }],
});
const keySet = createLocalJWKSet({ keys: [jwk] });
const fast = createVerifier({
  key: publicKey.export({ format: "pem", type: "spki" }),
  algorithms: ["RS256"],
  allowedIss: issuer,
  allowedAud: audience,
  cache: false,
});
const aws = JwtVerifier.create({ issuer, audience, jwksUri: `${issuer}/jwks` });
aws.cacheJwks({ keys: [jwk] });

/** Each runs the number of calls that it is given. */
const candidates = {
  "scopegate check": (calls) => {
    for (let call = 0; call < calls; call += 1) gate.check({ authorization });
  },
  "scopegate authorize": (calls) => oneByOne(calls, () => gate.authorize({ authorization })),
  [`scopegate authorize, ${IN_FLIGHT} in flight`]: (calls) => inFlight(calls, () => gate.authorize({ authorization })),
  "scopegate check, refused before any signature": (calls) => {
    for (let call = 0; call < calls; call += 1) refused();
  },
  "jose jwtVerify": (calls) =>
    oneByOne(calls, () => jwtVerify(token, keySet, { issuer, audience, algorithms: ["RS256"] })),
  [`jose jwtVerify, ${IN_FLIGHT} in flight`]: (calls) =>
    inFlight(calls, () => jwtVerify(token, keySet, { issuer, audience, algorithms: ["RS256"] })),
  "fast-jwt": (calls) => {
    for (let call = 0; call < calls; call += 1) fast(token);
  },
  "aws-jwt-verify verifySync": (calls) => {
    for (let call = 0; call < calls; call += 1) aws.verifySync(token);
  },
  "jsonwebtoken verify": (calls) => {
    const options = { issuer, audience, algorithms: ["RS256"] };
    for (let call = 0; call < calls; call += 1) jsonwebtoken.verify(token, publicKey, options);
  },
  "the crossing alone: a call that returns a text": (calls) => {
    for (let call = 0; call < calls; call += 1) native.version();
  },
};

function refused() {
  try {
    gate.check({});
  } catch {
    // the refusal is what is measured
  }
}

async function oneByOne(calls, work) {
  for (let call = 0; call < calls; call += 1) await work();
}

async function inFlight(calls, work) {
  for (let call = 0; call < calls; call += IN_FLIGHT) await Promise.all(Array.from({ length: IN_FLIGHT }, work));
}

const installed = new URL("../node_modules/", import.meta.url);
const rivals = ["jose", "fast-jwt", "aws-jwt-verify", "jsonwebtoken"].map(
  (name) => `${name} ${JSON.parse(readFileSync(new URL(`${name}/package.json`, installed), "utf8")).version}`,
);
console.log(
  `${process.platform}-${process.arch}, ${cpus().length} cores of ${cpus()[0]?.model}, Node.js ${process.version}, ` +
    `scopegate ${version}, ${rivals.join(", ")}`,
);

const times = Object.fromEntries(Object.keys(candidates).map((name) => [name, []]));
for (let round = 0; round < ROUNDS; round += 1) {
  for (const [name, run] of Object.entries(candidates)) {
    const begun = process.hrtime.bigint();
    await run(CALLS);
    times[name].push(Number(process.hrtime.bigint() - begun) / CALLS / 1000);
  }
}
for (const [name, list] of Object.entries(times)) {
  const sorted = list.toSorted((a, b) => a - b);
  const [low, median, high] = [0, ROUNDS >> 1, ROUNDS - 1].map((index) => sorted[index].toFixed(1));
  console.log(`${name.padEnd(48)}${median.padStart(8)} µs  (${low} to ${high})`);
}
