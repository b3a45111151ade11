// Leaves in one way when it is told to, while a fetch of keys is in flight.

import { once } from "node:events";
import { parentPort, Worker, workerData } from "node:worker_threads";
import { ResourceServer } from "scopegate";
import { Issuer } from "scopegate/testing";

const resource = "https://mcp.test/mcp";
const issuer = new Issuer({ resource });
const authorization = issuer.authorization();
const { how, jwksUri } = workerData ?? { how: process.argv[2], jwksUri: process.argv[3] };

const ways = {
  async "process.exit while a request waits"() {
    makeGate().authorize({ authorization }).catch(fail);
    await told();
    process.exit(0);
  },
  async "process.exit while it warms up"() {
    makeGate().warmUp().catch(fail);
    await told();
    process.exit(0);
  },
  async "process.exit while a fetch runs in the background"() {
    makeGate({ snapshot: overdue() }).check({ authorization });
    await told();
    process.exit(0);
  },
  async "its end while a fetch runs in the background"() {
    makeGate({ snapshot: overdue() }).check({ authorization });
    await told();
  },
  async "terminate of a worker whose request waits"() {
    const worker = startWorker("request that waits");
    await told();
    await worker.terminate();
  },
  async "process.exit in a worker whose request waits"() {
    const worker = startWorker("request that waits");
    await told();
    worker.postMessage("leave");
    await once(worker, "exit");
  },
  async "process.exit beside a worker whose request waits"() {
    startWorker("request that waits");
    await told();
    process.exit(0);
  },
  async "end of a worker while a fetch runs in the background"() {
    const worker = startWorker("fetch in the background");
    await told();
    worker.postMessage("leave");
    await once(worker, "exit");
  },
  "request that waits"() {
    makeGate().authorize({ authorization }).catch(fail);
    parentPort.once("message", () => process.exit(0));
  },
  "fetch in the background"() {
    makeGate({ snapshot: overdue() }).check({ authorization });
    parentPort.once("message", () => undefined);
  },
};

await ways[how]();

function makeGate(keys = {}) {
  return new ResourceServer({
    resource,
    authorization_servers: [{ issuer: issuer.issuer, jwks_uri: jwksUri }],
    keys,
    http: { timeout_seconds: 30 },
  });
}

/** The keys of the issuer, fetched so long ago that they are renewed in the background. */
function overdue() {
  const { keys } = issuer.server().jwks;
  const source = { issuers: [issuer.issuer], age_seconds: 700, ttl_seconds: 600, keys };
  return { version: 1, exported_at: Math.floor(Date.now() / 1000), sources: [source] };
}

function startWorker(work) {
  return new Worker(new URL(import.meta.url), { workerData: { how: work, jwksUri } });
}

async function told() {
  await once(process.stdin, "data");
  process.stdin.destroy();
}

function fail(error) {
  process.stderr.write(`decided before it left: ${error}\n`);
}
