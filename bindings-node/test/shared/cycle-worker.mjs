// Uses the package in one way and ends.

import { parentPort, workerData } from "node:worker_threads";
import { ResourceServer } from "scopegate";
import { Issuer } from "scopegate/testing";

const resource = "https://mcp.test/mcp";
const issuer = new Issuer({ resource });
const { how, jwksUri } = workerData;
const server = how === "decide" ? issuer.server() : { issuer: issuer.issuer, jwks_uri: jwksUri };
const gate = new ResourceServer({ resource, authorization_servers: [server], http: { timeout_seconds: 1 } });
const decision = gate.authorize({ authorization: issuer.authorization() });

if (how === "decide") await decision;
else decision.catch(() => undefined);
parentPort.postMessage("started");
if (how === "fetch and leave") process.exit(0);
