// Keys that one process takes along to another, whose key server is down.

import { ResourceServer } from "scopegate";
import { Issuer } from "scopegate/testing";
import { keyServer } from "./http.mjs";

const RESOURCE = "https://mcp.test/mcp";
export const issuer = new Issuer({ resource: RESOURCE });
export const authorization = issuer.authorization({ sub: "alice" });

/** A server that fetches its keys here. */
export function gateWith(keys, configuration = {}) {
  return new ResourceServer({
    resource: RESOURCE,
    authorization_servers: [{ issuer: issuer.issuer, jwks_uri: keys.jwksUri }],
    ...configuration,
  });
}

/** Keys of a server that has fetched them; its key server is down from then on. */
export async function exported(t, configuration) {
  const keys = await keyServer(t, issuer.server().jwks);
  const gate = gateWith(keys, configuration);
  await gate.warmUp();
  keys.documents = {};
  keys.requests.length = 0;
  return { keys, snapshot: gate.exportKeys() };
}
