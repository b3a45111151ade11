// Runs the shared vectors through the package; tests/vectors/README.md says what their members mean.

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { Rejected, ResourceServer } from "scopegate";

const folder = new URL("../../../tests/vectors/", import.meta.url);

/** The transcript, and what differs from the expected answers. */
export async function runVectors() {
  const lines = [];
  const failures = [];
  for (const suite of suites()) {
    let run = 0;
    for (const group of suite.groups) {
      const gate = gateOf(group);
      for (const vector of group.cases) {
        const line = await lineOf(gate, vector);
        const found = line.told ?? foundIn(line, vector.operation);
        try {
          assert.deepEqual(found, vector.expect);
        } catch {
          failures.push(`${vector.id}: expected ${JSON.stringify(vector.expect)}\n  found ${JSON.stringify(found)}`);
        }
        // A token that was verified before, and then one whose object is still known, has the answer of one that was not.
        // Without keys none is verified, and a further fetch that fails makes the wait longer.
        for (const time of vector.expect.status === 503 ? [] : ["second", "third"]) {
          const again = await lineOf(gate, vector);
          if (JSON.stringify(again) !== JSON.stringify(line))
            failures.push(`${vector.id}: another answer the ${time} time`);
        }
        lines.push(line);
        run += 1;
      }
    }
    if (run !== suite.number_of_tests) failures.push(`${suite.suite}: ran ${run} of ${suite.number_of_tests} cases`);
  }
  const transcript = lines.map((line) => `${JSON.stringify(line)}\n`).join("");
  return { transcript, failures, run: lines.length };
}

/** The server that the cases of a group meet. */
export function gateOf({ comment, config, derive, declared, report }, options) {
  const configured = ResourceServer.fromJson(JSON.stringify(config), options);
  const gate = derive === undefined ? configured : configured.derive(derive);
  if (declared === undefined) return gate;
  const made = gate.declare(declared);
  assert.deepEqual(made.report, report, comment);
  return made.gate;
}

export function suites() {
  const files = readdirSync(folder).filter((name) => name.endsWith(".json"));
  return files.sort().map((name) => JSON.parse(readFileSync(new URL(name, folder), "utf8")));
}

async function lineOf(gate, { id, now, operation, request, then, kind, name }) {
  const blank = { id, reason: null, code: null, status: null, headers: null, body: null, token: null };
  const details = detailsOf(request, now);
  if (operation === "well_known") {
    const { method, target, origin, ...preflight } = details;
    const response = gate.wellKnown(method, target, origin, {
      accessControlRequestMethod: preflight.accessControlRequestMethod,
      accessControlRequestHeaders: preflight.accessControlRequestHeaders,
    });
    return response === undefined ? blank : { ...blank, ...responseOf(response) };
  }
  if (operation === "explain") {
    const explanation = gate.explain(details);
    const line = { ...blank, explanation: explanation.toJson(), text: String(explanation) };
    return Object.defineProperty(line, "told", { value: told(explanation), enumerable: false });
  }
  if (operation === "allowed") return { ...blank, allowed: gate.allowed(await gate.authorize(details), kind, name) };
  try {
    const token = await gate.authorize(details);
    if (operation === "require") gate.require(token, detailsOf(then, now));
    return { ...blank, token: fieldsOf(token) };
  } catch (error) {
    if (!(error instanceof Rejected)) throw error;
    return { ...blank, reason: error.reason, code: error.code, ...responseOf(error) };
  }
}

/** What came of each check, and what is said of the one that failed. */
function told({ outcome, reason, status, checks }) {
  const { expected = null, found = null, hint = null } = checks.find((check) => check.outcome === "failed") ?? {};
  const named = checks.map((check) => `${check.outcome} ${check.check}`);
  return { outcome, reason, status, checks: named, expected, found, hint };
}

export function detailsOf(request, now) {
  return {
    authorization: request.authorization,
    method: request.method,
    target: request.target,
    origin: request.origin,
    accessControlRequestMethod: request.access_control_request_method,
    accessControlRequestHeaders: request.access_control_request_headers,
    scopes: request.scopes,
    protocolVersion: request.protocol_version,
    mcpMethod: request.mcp_method,
    mcpName: request.mcp_name,
    body: request.body_base64 === undefined ? request.body : Buffer.from(request.body_base64, "base64"),
    calls: request.calls,
    now: now ?? undefined,
  };
}

function responseOf({ status, headers, body }) {
  return { status, headers, body };
}

function fieldsOf(token) {
  return {
    issuer: token.issuer,
    subject: token.subject ?? null,
    client_id: token.clientId ?? null,
    scopes: token.scopes,
    effective_scopes: token.effectiveScopes,
    audience: token.audience,
    resource: token.resource,
    expires_at: token.expiresAt,
    issued_at: token.issuedAt ?? null,
    token_id: token.tokenId ?? null,
    principal: token.principal ?? null,
    claims: token.claimsJson,
  };
}

function foundIn({ allowed, token, reason, code, status, headers, body }, operation) {
  if (operation === "allowed") return { allowed };
  if (operation === "well_known") return { response: status === null ? null : { status, headers, body } };
  return token === null ? { reason, code, status, headers, body } : { token };
}
