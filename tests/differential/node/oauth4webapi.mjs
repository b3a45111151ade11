// oauth4webapi: validateJwtAccessToken, which knows RFC 9068 alone and reads a whole request.

import { code } from "./cases.mjs";

export function oauth4webapiJudge(oauth, profiles) {
  const profile = profiles.get("rfc9068");
  // It has no option for the time, and takes a key set from its cache while that is fresh.
  Date.now = () => profile.now * 1000;
  const server = { issuer: profile.issuer, jwks_uri: `${profile.issuer}/jwks` };
  const options = {
    signingAlgorithms: profile.algorithms,
    [oauth.clockTolerance]: profile.leeway,
    [oauth.jwksCache]: { jwks: profile.jwks, uat: profile.now },
    [oauth.customFetch]: () => {
      throw new Error("no network here");
    },
  };
  return async ({ profile: name, token, lines }) => {
    if (name !== profile.name) return undefined;
    try {
      const request = new Request(profile.audience, { headers: headers(token, lines) });
      await oauth.validateJwtAccessToken(server, request, profile.audience, options);
      return null;
    } catch (error) {
      return code(error);
    }
  };
}

/** fetch joins the lines of one field with a comma, and refuses bytes that no field value has. */
function headers(token, lines) {
  const headers = new Headers();
  for (const line of lines ?? [`Bearer ${token}`]) headers.append("authorization", line);
  return headers;
}
