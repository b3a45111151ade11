// Who is timed: each takes an Authorization value and says whether it is good, and of that subject. Where `waits`, it says
// so by a promise.

import { createPublicKey, verify } from "node:crypto";
import { createRequire } from "node:module";
import { JwtVerifier } from "aws-jwt-verify";
import fastJwt from "fast-jwt";
import * as jose from "jose";
import jsonwebtoken from "jsonwebtoken";
import * as oauth from "oauth4webapi";
import { ResourceServer } from "../../../bindings-node/index.mjs";

const native = createRequire(import.meta.url)("../../../bindings-node/lib/native.js");

const RSA_AND_EC = ["RS256", "PS256", "ES256"];

/** `make` is for an algorithm, of `algorithms` if they are named; `kind` is `ours`, `rival` or `piece`. */
export const contenders = [
  { name: "Scopegate", kind: "ours", make: (sample, algorithm) => scopegate(sample, algorithm, true) },
  { name: "Scopegate, cache off", kind: "ours", make: (sample, algorithm) => scopegate(sample, algorithm, false) },
  { name: "Scopegate async", kind: "ours", waits: true, make: scopegateAsync },
  { name: "jose", kind: "rival", package: "jose", waits: true, make: joseKey },
  { name: "fast-jwt", kind: "rival", package: "fast-jwt", make: (sample, algorithm) => fast(sample, algorithm, false) },
  {
    name: "fast-jwt, cache on",
    kind: "rival",
    package: "fast-jwt",
    make: (sample, algorithm) => fast(sample, algorithm, true),
  },
  { name: "jsonwebtoken", kind: "rival", package: "jsonwebtoken", make: jwt, algorithms: RSA_AND_EC },
  {
    name: "aws-jwt-verify",
    kind: "rival",
    package: "aws-jwt-verify",
    make: aws,
    algorithms: ["RS256", "ES256", "EdDSA"],
  },
  { name: "oauth4webapi", kind: "rival", package: "oauth4webapi", waits: true, make: oauth4webapi },
  { name: "signature alone, node:crypto", kind: "piece", make: signature },
  { name: "crossing", kind: "piece", make: () => () => native.version() !== "", algorithms: ["RS256"] },
];

export const packages = ["jose", "fast-jwt", "jsonwebtoken", "aws-jwt-verify", "oauth4webapi"];

/** The configuration of Scopegate, the same in every language. */
function configuration(sample, algorithm, keep) {
  const server = { issuer: sample.issuer, jwks: sample.jwks, algorithms: [algorithm], token_format: "rfc9068" };
  return {
    resource: sample.audience,
    authorization_servers: [server],
    required_scopes: [sample.scope],
    token_cache: { capacity: keep ? 100 : 0 },
  };
}

function scopegate(sample, algorithm, keep) {
  const gate = new ResourceServer(configuration(sample, algorithm, keep));
  return (authorization) => {
    try {
      return gate.check({ authorization, method: "POST", target: "/mcp" }).subject === sample.subject;
    } catch {
      return false;
    }
  };
}

function scopegateAsync(sample, algorithm) {
  const gate = new ResourceServer(configuration(sample, algorithm, true));
  return async (authorization) => {
    try {
      const token = await gate.authorize({ authorization, method: "POST", target: "/mcp" });
      return token.subject === sample.subject;
    } catch {
      return false;
    }
  };
}

async function joseKey(sample, algorithm) {
  const key = await jose.importJWK(sample.algorithms[algorithm].jwk, algorithm);
  const options = {
    algorithms: [algorithm],
    issuer: sample.issuer,
    audience: sample.audience,
    typ: "at+jwt",
    requiredClaims: ["exp"],
  };
  return async (authorization) => {
    try {
      const { payload } = await jose.jwtVerify(authorization.slice(7), key, options);
      return payload.sub === sample.subject;
    } catch {
      return false;
    }
  };
}

function fast(sample, algorithm, cache) {
  const verifier = fastJwt.createVerifier({
    key: sample.algorithms[algorithm].pem,
    algorithms: [algorithm],
    allowedIss: sample.issuer,
    allowedAud: sample.audience,
    requiredClaims: ["exp", "iss", "aud"],
    checkTyp: "at+jwt",
    cache,
  });
  return (authorization) => {
    try {
      return verifier(authorization.slice(7)).sub === sample.subject;
    } catch {
      return false;
    }
  };
}

function jwt(sample, algorithm) {
  const key = createPublicKey(sample.algorithms[algorithm].pem);
  const options = { algorithms: [algorithm], issuer: sample.issuer, audience: sample.audience };
  return (authorization) => {
    try {
      return jsonwebtoken.verify(authorization.slice(7), key, options).sub === sample.subject;
    } catch {
      return false;
    }
  };
}

function aws(sample, algorithm) {
  const verifier = JwtVerifier.create({
    issuer: sample.issuer,
    audience: sample.audience,
    scope: sample.scope,
    jwksUri: `${sample.issuer}/jwks`,
  });
  // It reads no algorithm but those that it knows, and no key set that has another in it.
  verifier.cacheJwks({ keys: [sample.algorithms[algorithm].jwk] });
  return (authorization) => {
    try {
      return verifier.verifySync(authorization.slice(7)).sub === sample.subject;
    } catch {
      return false;
    }
  };
}

function oauth4webapi(sample, algorithm) {
  const server = { issuer: sample.issuer, jwks_uri: `${sample.issuer}/jwks` };
  const inAnHour = Math.floor(Date.now() / 1000) + 3600;
  const options = {
    signingAlgorithms: [algorithm],
    [oauth.jwksCache]: { jwks: sample.jwks, uat: inAnHour },
    [oauth.customFetch]: () => {
      throw new Error("no network here");
    },
  };
  return async (authorization) => {
    try {
      const request = new Request(sample.audience, { method: "POST", headers: { authorization } });
      const claims = await oauth.validateJwtAccessToken(server, request, sample.audience, options);
      return claims.sub === sample.subject;
    } catch {
      return false;
    }
  };
}

/** What the libraries above verify with, and so their floor; message and signature are at hand for the good token. */
function signature(sample, algorithm) {
  const key = createPublicKey(sample.algorithms[algorithm].pem);
  const options = { key, ...(algorithm === "ES256" && { dsaEncoding: "ieee-p1363" }) };
  if (algorithm === "PS256") Object.assign(options, { padding: 6, saltLength: 32 });
  const digest = algorithm === "EdDSA" ? null : "sha256";
  const parts = (authorization) => {
    const end = authorization.lastIndexOf(".");
    return [Buffer.from(authorization.slice(7, end)), Buffer.from(authorization.slice(end + 1), "base64url")];
  };
  const good = `Bearer ${sample.algorithms[algorithm].forms["at+jwt"].good}`;
  const atHand = parts(good);
  return (authorization) => {
    const [message, signed] = authorization === good ? atHand : parts(authorization);
    return verify(digest, message, options, signed);
  };
}
