// jose: jwtVerify with createLocalJWKSet and every option that makes it stricter.

import { code } from "./cases.mjs";

const RFC9068_CLAIMS = ["iss", "exp", "aud", "sub", "client_id", "iat", "jti"];

export function joseJudge(jose, profiles) {
  const prepared = new Map([...profiles].map(([name, profile]) => [name, prepare(jose, profile)]));
  return async ({ profile, token }) => {
    if (token === undefined) return undefined; // It reads tokens, not field lines.
    const { keys, options } = prepared.get(profile);
    try {
      await jose.jwtVerify(token, keys, options);
      return null;
    } catch (error) {
      return code(error);
    }
  };
}

function prepare(jose, profile) {
  const isRfc9068 = profile.max_age !== null;
  return {
    keys: jose.createLocalJWKSet(profile.jwks),
    options: {
      algorithms: profile.algorithms,
      issuer: profile.issuer,
      audience: profile.audience,
      clockTolerance: profile.leeway,
      currentDate: new Date(profile.now * 1000),
      requiredClaims: isRfc9068 ? RFC9068_CLAIMS : ["iss", "exp", "aud"],
      ...(isRfc9068 && { typ: "at+jwt", maxTokenAge: profile.max_age }),
    },
  };
}
