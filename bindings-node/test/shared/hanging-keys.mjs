// 1,000 requests wait for a key server that never answers; what else the process can do meanwhile.

import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { performance } from "node:perf_hooks";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { ResourceServer } from "scopegate";
import { Issuer } from "scopegate/testing";

const REQUESTS = 1000;
const RESOURCE = "https://mcp.test/mcp";

// The stub has a thread of its own, so that its work does not count as this event loop's.
const stub = new Worker(new URL("hanging-stub.mjs", import.meta.url));
const [port] = await once(stub, "message");

const issuer = new Issuer({ resource: RESOURCE });
const authorization = issuer.authorization();
const gate = new ResourceServer({
  resource: RESOURCE,
  authorization_servers: [{ issuer: issuer.issuer, jwks_uri: `http://127.0.0.1:${port}/jwks` }],
  keys: { max_waiters: 2000 },
  http: { timeout_seconds: 3 },
});

const idle = await utilisation();
let settled = 0;
const waiting = Array.from({ length: REQUESTS }, () => gate.authorize({ authorization }).finally(() => (settled += 1)));
const outcomes = Promise.allSettled(waiting);
await readFile(fileURLToPath(import.meta.url));
const order = settled === 0 ? "file first" : `${settled} requests first`;
const busy = await utilisation();
const refused = (await outcomes).filter(({ reason }) => reason?.reason === "keys_unavailable").length;

stub.postMessage("connections");
const [connections] = await once(stub, "message");
await stub.terminate();
// Abandoned promises leave nothing behind: no timer, no request of the thread pool.
const handles = process.getActiveResourcesInfo().filter((name) => !name.endsWith("Wrap") && name !== "TTY");
process.stdout.write(JSON.stringify({ connections, order, refused, idle, waiting: busy, handles }));

/** Over half a second with a timer that ticks. */
async function utilisation() {
  const before = performance.eventLoopUtilization();
  for (let tick = 0; tick < 50; tick += 1) await new Promise((resolve) => setTimeout(resolve, 10));
  return performance.eventLoopUtilization(before).utilization;
}
