// Processes and workers that end while keys are fetched, and programs of several processes.

import assert from "node:assert/strict";
import { fork, spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { ResourceServer } from "scopegate";
import { Issuer } from "scopegate/testing";
import { keyServer } from "./shared/http.mjs";

const RESOURCE = "https://mcp.test/mcp";
const program = (name) => fileURLToPath(new URL(`shared/${name}`, import.meta.url));

/** The fetch has 30 s, and the process that leaves does not use them. */
const DEADLINE = 20_000;

const WAYS = [
  "process.exit while a request waits",
  "process.exit while it warms up",
  "process.exit while a fetch runs in the background",
  "its end while a fetch runs in the background",
  "terminate of a worker whose request waits",
  "process.exit in a worker whose request waits",
  "process.exit beside a worker whose request waits",
  "end of a worker while a fetch runs in the background",
];

for (const how of WAYS) {
  test(`a process ends cleanly and does not wait for the key server: ${how}`, async (t) => {
    const hanging = await keyServer(t, {}, { hang: true });
    const child = spawn(process.execPath, [program("leaving.mjs"), how, hanging.jwksUri], { timeout: 60_000 });
    const ended = once(child, "close");
    const stderr = child.stderr.setEncoding("utf8").toArray();
    while (hanging.requests.length === 0 && child.exitCode === null) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    const deadline = setTimeout(() => child.kill("SIGKILL"), DEADLINE);
    child.stdin.on("error", () => undefined).write("leave\n");
    const [code, signal] = await ended;
    clearTimeout(deadline);
    assert.deepEqual([code, signal, (await stderr).join("")], [0, null, ""]);
  });
}

/** A warm server, and what a process is given that begins with its keys while the key server is down. */
async function work(t) {
  const issuer = new Issuer({ resource: RESOURCE });
  const keys = await keyServer(t, issuer.server().jwks);
  const configuration = {
    resource: RESOURCE,
    authorization_servers: [{ issuer: issuer.issuer, jwks_uri: keys.jwksUri }],
  };
  const gate = new ResourceServer(configuration);
  await gate.warmUp();
  keys.documents = {};
  const authorization = issuer.authorization();
  const [{ kid }] = issuer.server().jwks.keys;
  const snapshot = gate.exportKeys();
  return { gate, authorization, issuer: issuer.issuer, kid, configuration: { ...configuration, keys: { snapshot } } };
}

test("a forked child begins with its parent's keys, and has a kill switch of its own", async (t) => {
  const { gate, ...given } = await work(t);
  const child = fork(program("member.mjs"), { env: { ...process.env, WORK: JSON.stringify(given) } });
  const ended = once(child, "exit");
  const [answer] = await once(child, "message");
  assert.deepEqual(answer, { before: "accepted", after: "unknown_key" });
  assert.deepEqual(await ended, [0, null]);
  assert.equal((await gate.authorize({ authorization: given.authorization })).issuer, given.issuer);
});

test("each process of a cluster decides for itself", async (t) => {
  const { gate: _, ...given } = await work(t);
  const env = { ...process.env, WORK: JSON.stringify(given) };
  const primary = fork(program("member.mjs"), ["primary", "3"], { env });
  const ended = once(primary, "exit");
  const [answers] = await once(primary, "message");
  assert.deepEqual(answers, Array(3).fill({ before: "accepted", after: "unknown_key", code: 0 }));
  assert.deepEqual(await ended, [0, null]);
});
