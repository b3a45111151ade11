// Requests that wait for keys and that nobody waits for any longer; what is left of them when the fetch has ended.

import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { ResourceServer } from "scopegate";
import { Issuer } from "scopegate/testing";

const stub = new Worker(new URL("hanging-stub.mjs", import.meta.url));
const [port] = await once(stub, "message");
const issuer = new Issuer({ resource: "https://mcp.test/mcp" });

const left = abandon();
// Each request has a timer, which the end of the fetch clears.
while (waits()) await new Promise((resolve) => setImmediate(resolve));
for (let turn = 0; turn < 10 && left.deref() !== undefined; turn += 1) {
  await new Promise((resolve) => setTimeout(resolve, 10));
  globalThis.gc();
}
await stub.terminate();
process.stdout.write(JSON.stringify({ gateIsLeft: left.deref() !== undefined }));

/** Starts requests and keeps nothing of them. */
function abandon() {
  const gate = new ResourceServer({
    resource: "https://mcp.test/mcp",
    authorization_servers: [{ issuer: issuer.issuer, jwks_uri: `http://127.0.0.1:${port}/jwks` }],
    keys: { max_waiters: 2000 },
    http: { timeout_seconds: 1 },
  });
  for (let request = 0; request < 1000; request += 1) {
    gate.authorize({ authorization: issuer.authorization() }).catch(() => undefined);
  }
  return new WeakRef(gate);
}

function waits() {
  return process.getActiveResourcesInfo().includes("Timeout");
}
