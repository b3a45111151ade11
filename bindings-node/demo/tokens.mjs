// JWT access tokens (RFC 9068) from a client's side: read, and falsified.

/** What the token says. Nothing is verified. */
export function headerAndClaims(token) {
  const [header, claims] = token.split(".");
  return { header: decoded(header), claims: decoded(claims) };
}

/** The token with other claims, under the signature that it had. */
export function tampered(token, claims) {
  const [header, , signature] = token.split(".");
  const forged = { ...headerAndClaims(token).claims, ...claims };
  return [header, Buffer.from(JSON.stringify(forged)).toString("base64url"), signature].join(".");
}

function decoded(part) {
  return JSON.parse(Buffer.from(part, "base64url").toString());
}
