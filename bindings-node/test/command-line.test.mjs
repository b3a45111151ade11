// `npx scopegate explain`: what it reads, what it says, and its exit status.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { ResourceServer, version } from "scopegate";
import { Issuer } from "scopegate/testing";

const program = fileURLToPath(new URL("../bin/scopegate.js", import.meta.url));
const RESOURCE = "https://mcp.test/mcp";
const NOW = 1800000000;
const CALL = JSON.stringify({
  jsonrpc: "2.0",
  id: 1,
  method: "tools/call",
  params: { name: "weather", arguments: {} },
});
const issuer = new Issuer({ resource: RESOURCE });
const members = { resource: RESOURCE, authorization_servers: [issuer.server()] };
let folder;

before(() => {
  folder = mkdtempSync(join(tmpdir(), "scopegate-"));
  file("scopegate.json", JSON.stringify(members));
});
after(() => rmSync(folder, { recursive: true }));

function file(name, text) {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
}

function token(claims = {}) {
  return issuer.mint({ iat: NOW - 60, exp: NOW + 300, scope: "mcp:read", ...claims });
}

function run(input, args, environment = {}) {
  const clean = Object.entries(process.env).filter(([name]) => !name.startsWith("SCOPEGATE_"));
  const env = { ...Object.fromEntries(clean), ...environment };
  return spawnSync(process.execPath, [program, "explain", ...args], { input, encoding: "utf8", env, timeout: 60_000 });
}

function explained(input, ...args) {
  return run(input, ["--config", join(folder, "scopegate.json"), "--now", String(NOW), ...args]);
}

test("a good token is accepted in each form", () => {
  const forms = [
    (good) => good,
    (good) => `${good}\n`,
    (good) => `Bearer ${good}`,
    (good) => `Authorization: Bearer ${good}\n`,
    (good) => `GET /mcp HTTP/1.1\nAuthorization: Bearer ${good}\n\n`,
  ];
  for (const form of forms) {
    const { status, stdout, stderr } = explained(form(token()));
    assert.deepEqual([status, stderr], [0, ""]);
    assert.match(stdout, /^Accepted\.\n/);
  }
});

test("a refusal is told as the library tells it", () => {
  const wrong = token({ aud: "https://other.test/mcp" });
  const request = { authorization: `Bearer ${wrong}`, method: "POST", target: "/mcp", now: NOW };
  const explanation = new ResourceServer(members).explain(request);
  const { status, stdout } = explained(wrong);
  assert.deepEqual([status, stdout], [1, String(explanation)]);
  const json = explained("", "--token-file", file("token", wrong), "--json");
  assert.equal(json.stdout, `${explanation.toJson()}\n`);
  assert.equal(explanation.reason, "wrong_audience");
  assert.ok(
    Object.isFrozen(explanation) && Object.isFrozen(explanation.checks) && Object.isFrozen(explanation.checks[0]),
  );
  assert.deepEqual(JSON.parse(explanation.toJson()), JSON.parse(JSON.stringify(explanation)));
});

test("the body and scopes are taken into account", () => {
  const policy = { default: "deny", tools: { weather: ["mcp:read"] } };
  const config = file("policy.json", JSON.stringify({ ...members, policy }));
  const pasted = `POST /mcp HTTP/1.1\r\nAuthorization: Bearer ${token()}\r\n\r\n${CALL}`;
  const status = (input, ...args) => run(input, ["--config", config, "--now", String(NOW), ...args]).status;
  assert.equal(status(token()), 2);
  assert.equal(status(token(), "--body", file("body.json", CALL)), 0);
  assert.equal(status(pasted), 0);
  assert.equal(status(pasted, "--scope", "a", "--scope", "b"), 1);
  assert.equal(status(pasted, "--method", "GET", "--target", "/other"), 0);
});

test("missing keys are said", () => {
  const server = { issuer: issuer.issuer, jwks_uri: "http://127.0.0.1:1/" };
  const config = file("cold.json", JSON.stringify({ resource: RESOURCE, authorization_servers: [server] }));
  const asked = run(token(), ["--config", config, "--now", String(NOW)]);
  assert.equal(asked.status, 2);
  assert.match(asked.stderr, /^scopegate: no keys: https:\/\/issuer\.test: connect/);
  const offline = run(token(), ["--config", config, "--now", String(NOW), "--offline"]);
  assert.deepEqual([offline.status, offline.stderr], [2, ""]);
  assert.match(offline.stdout, /^Cannot tell before the issuer's keys are fetched\.\n/);
});

test("the environment is the configuration", () => {
  const { status, stderr } = run(token(), ["--now", String(NOW)], { SCOPEGATE_CONFIG_JSON: JSON.stringify(members) });
  assert.deepEqual([status, stderr], [0, ""]);
});

test("mistakes are told and no token is repeated", () => {
  const nothing = run("", []);
  assert.equal(nothing.status, 2);
  assert.match(nothing.stderr, /^scopegate: no configuration: expected --config FILE/m);
  assert.match(run("", [], { SCOPEGATE_REQUIRED_SCOPES: "a" }).stderr, /^scopegate: resource: required/m);
  const good = token();
  const wrong = [[good], ["--token", good], [`--token=${good}`], ["--token-file", "/nowhere"], ["--now", "soon"]];
  for (const args of wrong) {
    const { status, stdout, stderr } = explained("", ...args);
    assert.deepEqual([status, stdout], [2, ""]);
    assert.ok(!stderr.includes(good.slice(0, 12)) && stderr !== "", stderr);
  }
});

test("help and version need no configuration", () => {
  const { stdout } = run("", ["--version"]);
  assert.equal(stdout, `${version}\n`);
  assert.match(run("", ["--help"]).stdout, /^usage: scopegate explain .*exit status: 0 the request may pass/ms);
});
