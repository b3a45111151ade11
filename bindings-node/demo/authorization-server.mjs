// The authorization server of this repository as a child process, which ends with its standard input.

import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

const ADMIN_SECRET = "test-only-admin-secret";

/** The secret of a client in a configuration for `startAuthorizationServer`. */
export function secret(client) {
  return `test-only-${client}-secret`;
}

/** Starts it with these resources, and clients with these grants. */
export async function startAuthorizationServer(resources, grants) {
  const binary = process.env.SCOPEGATE_AUTHSERVER;
  if (!binary) throw new Error("SCOPEGATE_AUTHSERVER: expected the path of scopegate-authserver; `make` sets it");
  const clients = Object.entries(grants).map(([id, granted]) => ({ id, secret: secret(id), grants: granted }));
  const folder = mkdtempSync(join(tmpdir(), "scopegate-"));
  const file = join(folder, "authserver.json");
  writeFileSync(file, JSON.stringify({ admin_secret: ADMIN_SECRET, resources, clients }));
  const child = spawn(binary, ["--exit-with-stdin", file], { stdio: ["pipe", "pipe", "inherit"] });
  const ended = new Promise((resolve) => child.once("exit", resolve));
  child.once("error", () => undefined); // told by the missing line below
  let stopped;
  const stop = () => (stopped ??= end(child, ended).finally(() => rmSync(folder, { recursive: true })));
  for await (const line of createInterface({ input: child.stdout })) {
    const { issuers } = JSON.parse(line);
    return { issuers, stop, ...administration(issuers) };
  }
  throw new Error(`${binary} did not start`);
}

async function end(child, ended) {
  child.stdin.end();
  await ended;
}

function administration(issuers) {
  const administer = async (resource, action, flag) => {
    const response = await fetch(`${issuers[resource]}/admin/${action}`, {
      method: "POST",
      headers: { Authorization: `Bearer ${ADMIN_SECRET}`, "Content-Type": "application/json" },
      body: JSON.stringify(flag),
    });
    if (!response.ok) throw new Error(`${action}: ${response.status}`);
  };
  return {
    /** A token of a client, by client_credentials. */
    token: async (resource, client, scope) => {
      const response = await fetch(`${issuers[resource]}/token`, {
        method: "POST",
        headers: { Authorization: `Basic ${Buffer.from(`${client}:${secret(client)}`).toString("base64")}` },
        body: new URLSearchParams({ grant_type: "client_credentials", ...(scope === undefined ? {} : { scope }) }),
      });
      if (!response.ok) throw new Error(`no token: ${response.status}`);
      return (await response.json()).access_token;
    },
    /** Signs with a new key from now on. With `overlap` the old one stays in the key set. */
    rotate: (resource, overlap) => administer(resource, "rotate", { overlap }),
    /** Whether metadata and key set are served. */
    setKeysAvailable: (resource, available) => administer(resource, "keys", { available }),
  };
}
