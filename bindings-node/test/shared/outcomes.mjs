// Writes all that the package lets out to standard output, in each form of text that it has; Node.js adds what
// NODE_DEBUG asks for, and Rust its panics. The argument says of what: "vectors", "adapters" or "panics".

import { writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { inspect } from "node:util";
import { Rejected, ResourceServer } from "scopegate";
import { Issuer } from "scopegate/testing";
import { hosts, newLog } from "./hosts.mjs";
import { exchange, httpRequest, listen } from "./http.mjs";
import { detailsOf, gateOf, suites } from "./vectors.mjs";

const require = createRequire(import.meta.url);
const RESOURCE = "https://mcp.test/mcp";
const MARKS = { sub: "canary-subject", client_id: "canary-client", scope: "mcp:read", marked: "canary-claim" };
const lines = [];

/** A token is for its user to serialise: `JSON.stringify` writes the members that are read by name. */
function forms(value) {
  lines.push(String(value), inspect(value), inspect(value, { depth: Infinity, showHidden: true, getters: true }));
  if (!(value instanceof Object && "claimsJson" in value)) lines.push(JSON.stringify(value) ?? "");
  if (value instanceof Error) lines.push(value.stack, inspect(value.cause), JSON.stringify({ ...value }));
}

async function vectors() {
  for (const { groups } of suites()) {
    for (const group of groups) {
      const gate = gateOf(group);
      for (const { id, now, request } of group.cases) {
        lines.push(`== ${id}`);
        await outcome(gate, detailsOf(request, now));
      }
      [gate, gate.stats(), gate.health()].forEach(forms);
    }
  }
}

async function outcome(gate, details) {
  forms(gate.wellKnown(details.method, details.target, details.origin));
  for (const way of [(given) => gate.check(given), (given) => gate.authorize(given)]) {
    try {
      const token = await way(details);
      forms(token);
      gate.require(token, { scopes: ["a-scope-that-nobody-has"] });
    } catch (error) {
      if (!(error instanceof Rejected)) throw error;
      forms(error);
    }
  }
}

/** The adapters, and arguments of the wrong type. The tokens of it. */
async function adapters() {
  const issuer = new Issuer({ resource: RESOURCE });
  const marked = (more) => issuer.authorization({ ...MARKS, ...more });
  const good = marked();
  const values = [
    good,
    marked({ expires_in: -3600 }),
    marked({ scope: "canary-scope" }),
    marked({ aud: "https://canary.test" }),
    marked({ iss: "https://canary.test" }),
    `${good.slice(0, -8)}AAAAAAAA`,
    `${good.slice(0, -8)}~canary~`,
    `${good}, ${good}`,
  ];
  const statuses = new Set();
  const unreachable = { issuer: issuer.issuer, jwks_uri: "http://127.0.0.1:1/keys" };
  for (const server of [issuer.server(), unreachable]) {
    const configuration = { resource: RESOURCE, authorization_servers: [server], required_scopes: ["mcp:read"] };
    const gate = new ResourceServer(configuration, { onRefusal: forms });
    for (const host of Object.values(hosts)) {
      const endings = [];
      const port = await listen({ after: (end) => endings.push(end) }, host(gate, {}, newLog()));
      for (const value of values) {
        const request = httpRequest("GET", "/mcp?canary=1", [`Authorization: ${value}`]);
        const { status, headers, body } = await exchange(port, request);
        statuses.add(status);
        lines.push(JSON.stringify([status, headers, body]));
      }
      for (const end of endings) await end();
    }
    for (const wrong of [{ token: good }, [[good]], 7n, Symbol(good)]) {
      for (const name of ["authorization", "scopes", "target", "body", "calls", "now"]) {
        await gate.authorize({ [name]: wrong }).catch(forms);
      }
    }
  }
  lines.push(`statuses: ${[...statuses].sort().join(" ")}`);
  return values;
}

async function panics() {
  const hooked = require("../../build/scopegate.test-hooks.node");
  const Hooked = require("../../lib/resource-server.js").resourceServerOver(hooked);
  const issuer = hooked.issuer(RESOURCE);
  const gate = new Hooked({
    resource: RESOURCE,
    authorization_servers: [JSON.parse(hooked.issuerServer(issuer))],
  });
  const authorization = `Bearer ${hooked.mint(issuer, JSON.stringify(MARKS))}`;
  const ways = { check: () => gate.authorize({ authorization }), well_known: () => gate.wellKnown("GET", "/canary") };
  for (const [point, way] of Object.entries(ways)) {
    hooked.panicAt(point);
    await Promise.resolve().then(way).then(forms, forms);
  }
  return [authorization];
}

const [what, file] = process.argv.slice(2);
const tokens = await { vectors, adapters, panics }[what]();
writeFileSync(file, `${lines.join("\n")}\n`);
process.stdout.write(JSON.stringify(tokens ?? []));
