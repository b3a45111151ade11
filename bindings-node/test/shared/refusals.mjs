// Sends refused requests to the host that is named and tells what `onRefusal` saw; NODE_DEBUG has the lines.

import { gzipSync } from "node:zlib";
import { ResourceServer } from "scopegate";
import { Issuer } from "scopegate/testing";
import { hosts, newLog } from "./hosts.mjs";
import { exchange, httpRequest, listen } from "./http.mjs";

const RESOURCE = "https://mcp.test/mcp";
const [host] = process.argv.slice(2);
const issuer = new Issuer({ resource: RESOURCE });
const seen = {};
const gate = new ResourceServer(
  { resource: RESOURCE, authorization_servers: [issuer.server()], policy: { default: ["a"] } },
  { onRefusal: ({ reason }) => (seen[reason] = (seen[reason] ?? 0) + 1) },
);
const log = newLog();
log.headers = { "Mcp-Session-Id": "session-of-alice" };
const endings = [];
const port = await listen({ after: (end) => endings.push(end) }, hosts[host](gate, {}, log));

const begun = performance.now();
const claims = { sub: "a-person", scope: "a", marked: "a-claim" };
const bearer = (more) => `Authorization: ${issuer.authorization({ ...claims, ...more })}`;
const post = (lines, body = '{"jsonrpc":"2.0","id":1,"method":"a-method"}') =>
  exchange(port, httpRequest("POST", "/mcp", lines, body));

await post([]);
await post([bearer({ scope: "b" })]);
for (let sent = 0; sent < 40; sent += 1) await post([bearer({ expires_in: -3600 })]);
await post([bearer(), "Content-Encoding: gzip"], gzipSync("{}"));
await post([bearer()]);
await post([bearer({ sub: "another-person" }), "Mcp-Session-Id: session-of-alice"]);
const seconds = (performance.now() - begun) / 1000;

for (const end of endings) await end();
process.stdout.write(JSON.stringify({ seen, seconds, secrets: bearer().split(/[ .]/).slice(2) }));
