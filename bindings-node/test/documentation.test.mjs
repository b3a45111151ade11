// The TypeScript of every page of the documentation, and the examples, as they stand: each is a whole program.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { cpSync, existsSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import http from "node:http";
import { getRequestListener } from "@hono/node-server";
import { Issuer } from "scopegate/testing";
import { startAuthorizationServer } from "../demo/authorization-server.mjs";
import { exchange, freePort, httpRequest, keyServer, listen } from "./shared/http.mjs";
import { compile, linkDependencies, makeProject, pack, temporary } from "./shared/project.mjs";

const here = fileURLToPath(new URL("../", import.meta.url));
const repository = join(here, "..");
const PAGES = ["README.md", "SECURITY.md", "bindings-node/README.md", ...markdown("docs")];
const { NODE_TEST_CONTEXT, ...environment } = process.env; // else a test runner inside this one reports to it alone
const node = (cwd, ...args) => execFileSync(process.execPath, args, { cwd, encoding: "utf8", env: environment });

describe("programs as they stand, in an ESM project under tsc --strict", () => {
  let project;
  const blocks = PAGES.flatMap(blocksOf);
  const folder = temporary({ after });

  before(() => {
    project = makeProject(join(folder, "project"), "module", pack(here, folder));
    linkDependencies(project);
    for (const name of readdirSync(join(here, "examples"))) cpSync(join(here, "examples", name), join(project, name));
    for (const { name, text } of blocks) writeFileSync(join(project, `${name}.ts`), text);
    compile(project);
  });

  test("no block of another page is left out", () => {
    const counts = JSON.parse(readFileSync(join(repository, "tests/docs/blocks.json"), "utf8"));
    assert.equal(blocks.length, counts.ts);
  });

  test("the examples are the acceptance programs", (t) => {
    const programs = join(here, "../../shared/programs");
    if (!existsSync(programs)) return t.skip("the acceptance programs are not beside this clone");
    for (const name of readdirSync(join(here, "examples"))) {
      assert.deepEqual(readFileSync(join(here, "examples", name)), readFileSync(join(programs, name)), name);
    }
  });

  test("unit.test.ts", () => {
    assert.match(node(project, "--test", "unit.test.js"), /# pass 1\n/);
  });

  for (const name of ["server_express", ...blocks.filter(({ text }) => isServer(text)).map(({ name }) => name)]) {
    test(`${name} lets a token of a real authorization server in, and no stranger`, async (t) => {
      const port = await freePort();
      const resource = `http://127.0.0.1:${port}/mcp`;
      const weather = ["mcp:tools:weather"];
      const server = await startAuthorizationServer(
        [{ id: "weather", name: "Weather", resource, scopes: weather, algorithm: "ES256" }],
        { assistant: [{ resource: "weather", scopes: weather }] },
      );
      t.after(() => server.stop());
      const env = { ...environment, RESOURCE: resource, ISSUER: server.issuers.weather, PORT: String(port) };
      const child = spawn(process.execPath, [`${name}.js`], {
        cwd: project,
        env,
        stdio: ["ignore", "inherit", "inherit"],
      });
      t.after(() => child.kill());
      await untilListening(port, child);
      const stranger = await ping(resource, {});
      assert.equal(stranger.status, 401);
      assert.match(stranger.headers.get("www-authenticate"), /resource_metadata="/);
      const known = await ping(resource, { Authorization: `Bearer ${await server.token("weather", "assistant")}` });
      assert.equal(known.status, 200, await known.text());
    });
  }

  for (const { name } of blocks.filter(({ text }) => !isServer(text) && !isOfLambda(text))) {
    test(`${name} runs to its end`, () => {
      node(project, `${name}.js`);
    });
  }

  test("server_fetch is served by this test", async (t) => {
    const { port, issuer } = await withIssuer(t);
    const { default: server } = await import(pathToFileURL(join(project, "server_fetch.js")));
    await listen(t, http.createServer(getRequestListener(server.fetch)), port);
    const status = async (headers) => (await ping(process.env.RESOURCE, headers)).status;
    assert.equal(await status({}), 401);
    assert.equal(await status(issuer.headers({ iss: process.env.ISSUER })), 200);
  });

  test("the Lambda function begins with the keys that were exported for it, and answers events", async (t) => {
    const { port, issuer, keys } = await withIssuer(t);
    process.env.KEY_SNAPSHOT = join(folder, "keys.json");
    const [program, lambda] = ["exportKeys", "aws-lambda"].map((word) =>
      blocks.findLast(({ text }) => text.includes(word)),
    );
    await import(pathToFileURL(join(project, `${program.name}.js`)));
    keys.documents = {};
    keys.requests.length = 0;
    const { handler } = await import(pathToFileURL(join(project, `${lambda.name}.js`)));
    const invoke = (headers) =>
      handler({
        version: "2.0",
        rawPath: "/mcp",
        rawQueryString: "",
        headers: {
          host: `127.0.0.1:${port}`,
          "content-type": "application/json",
          accept: "application/json, text/event-stream",
          ...headers,
        },
        requestContext: { http: { method: "POST", path: "/mcp" }, domainName: "127.0.0.1" },
        body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "ping" }),
        isBase64Encoded: false,
      });
    assert.equal((await invoke({})).statusCode, 401);
    const authorization = issuer.authorization({ iss: process.env.ISSUER, aud: process.env.RESOURCE });
    assert.equal((await invoke({ authorization })).statusCode, 200);
    assert.deepEqual(keys.requests, []);
  });

  test("a bundle that leaves packages external runs", () => {
    const esbuild = join(here, "node_modules/.bin/esbuild");
    const command = shellLines().find((line) => line.startsWith("npx esbuild server.ts "));
    const args = command.split(" ").slice(3);
    writeFileSync(join(project, "server.ts"), blocks.find(({ text }) => text.includes("scopegate/testing")).text);
    execFileSync(esbuild, ["server.ts", ...args], { cwd: project, stdio: "pipe" });
    node(project, "server.mjs");
  });

  /** An issuer whose metadata and keys are on loopback, in the environment of this process. */
  async function withIssuer(t) {
    const port = await freePort();
    const resource = `http://127.0.0.1:${port}/mcp`;
    const issuer = new Issuer({ resource });
    const keys = await keyServer(t, issuer.server().jwks);
    keys.documents["/.well-known/oauth-authorization-server"] = { issuer: keys.url, jwks_uri: keys.jwksUri };
    Object.assign(process.env, { RESOURCE: resource, ISSUER: keys.url });
    return { port, issuer, keys };
  }
});

/** One MCP request. */
function ping(url, headers) {
  return fetch(url, {
    method: "POST",
    headers: { "Content-Type": "application/json", Accept: "application/json, text/event-stream", ...headers },
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "ping" }),
  });
}

/** The Markdown files below a folder of the repository. */
function markdown(folder) {
  const files = readdirSync(join(repository, folder), { recursive: true }).filter((name) => name.endsWith(".md"));
  return files.map((name) => join(folder, name)).sort();
}

/** The TypeScript blocks of a page. */
function blocksOf(page) {
  const blocks = [...readFileSync(join(repository, page), "utf8").matchAll(/^```ts\n([\s\S]*?)^```$/gm)];
  return blocks.map(([, text], index) => ({ name: `${page.replaceAll(/\W/g, "_")}_${index + 1}`, page, text }));
}

/** The lines of the shell blocks of all pages. */
function shellLines() {
  const blocks = PAGES.flatMap((page) => [
    ...readFileSync(join(repository, page), "utf8").matchAll(/^```sh\n([\s\S]*?)^```$/gm),
  ]);
  return blocks.flatMap(([, text]) => text.trim().split("\n"));
}

/** The function, and the program that writes its keys. */
function isOfLambda(text) {
  return text.includes("aws-lambda") || text.includes("exportKeys");
}

function isServer(text) {
  return text.includes("process.env.PORT");
}

async function untilListening(port, child) {
  const deadline = Date.now() + 20_000;
  while (Date.now() < deadline) {
    if (child.exitCode !== null) assert.fail(`it ended with code ${child.exitCode}`);
    try {
      return await exchange(port, httpRequest("GET", "/healthz"));
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
  return assert.fail("it did not start");
}
