// The packed package in an empty project: entry points, types, the examples as they stand, platform packages.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { cpSync, existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import http from "node:http";
import { getRequestListener } from "@hono/node-server";
import { Issuer } from "scopegate/testing";
import { secret, startAuthorizationServer } from "../demo/authorization-server.mjs";
import { exchange, freePort, httpRequest, keyServer, listen } from "./shared/http.mjs";
import { compile, linkDependencies, makeProject, npm, pack, temporary } from "./shared/project.mjs";

const here = fileURLToPath(new URL("../", import.meta.url));
const { PLATFORMS, platformName } = createRequire(import.meta.url)("../lib/platform.js");
const ENTRIES = ["", "/testing", "/express", "/fastify", "/hono", "/fetch", "/mcp", "/mcp-v1"];
const { NODE_TEST_CONTEXT, ...environment } = process.env; // else a test runner inside this one reports to it alone
const node = (cwd, ...args) => execFileSync(process.execPath, args, { cwd, encoding: "utf8", env: environment });

describe("the tarball in an empty project", () => {
  const folder = temporary({ after });
  let tarball;
  before(() => {
    tarball = pack(here, folder);
  });

  test("works without a build, by import and by require, with nothing beside it", () => {
    const program = `
      const issuer = new Issuer();
      const gate = new ResourceServer({ resource: "https://mcp.test/mcp", authorization_servers: [issuer.server()] });
      gate.authorize({ authorization: issuer.authorization({ sub: "alice" }) }).then((token) => console.log(token.subject));
    `;
    const esm = makeProject(join(folder, "esm"), "module", tarball);
    writeFileSync(
      join(esm, "main.js"),
      `import { ResourceServer } from "scopegate"; import { Issuer } from "scopegate/testing"; ${program}`,
    );
    assert.equal(node(esm, "main.js"), "alice\n");
    const common = makeProject(join(folder, "common"), "commonjs", tarball);
    writeFileSync(
      join(common, "main.js"),
      `const { ResourceServer } = require("scopegate"); const { Issuer } = require("scopegate/testing"); ${program}`,
    );
    assert.equal(node(common, "main.js"), "alice\n");
    for (const entry of ["express", "fastify", "hono", "fetch"]) {
      node(common, "-e", `require("scopegate/${entry}")`);
    }
  });

  test("every entry point loads in both formats beside the SDKs", () => {
    for (const type of ["module", "commonjs"]) {
      const project = makeProject(join(folder, `entries-${type}`), type, tarball);
      linkDependencies(project);
      const load =
        type === "module" ? (name) => `await import("scopegate${name}")` : (name) => `require("scopegate${name}")`;
      const extension = type === "module" ? "mjs" : "cjs";
      writeFileSync(join(project, `main.${extension}`), ENTRIES.map((name) => `${load(name)};`).join("\n"));
      node(project, `main.${extension}`);
    }
  });

  test("publint and attw report nothing", () => {
    const bin = (name) => join(here, "node_modules/.bin", name);
    const publint = execFileSync(bin("publint"), ["--strict", tarball], { encoding: "utf8" });
    assert.match(publint, /All good!/);
    const attw = execFileSync(bin("attw"), [tarball, "--no-color", "--no-emoji"], { encoding: "utf8" });
    assert.match(attw, /No problems found/);
  });

  test("it holds no machine path and no file that users do not need", () => {
    const files = JSON.parse(npm(here, "pack", "--dry-run", "--json", "--ignore-scripts"));
    const [{ files: packed }] = Array.isArray(files) ? files : Object.values(files);
    const names = packed.map(({ path }) => path);
    for (const name of names) assert.doesNotMatch(name, /^(test|demo|examples|src|build|npm)\/|Cargo|\.npmrc/);
    assert.ok(names.includes(`scopegate.${platformName()}.node`));
  });
});

test("a clone can be installed: it builds the native module", (t) => {
  const folder = temporary(t);
  makeProject(folder, "module");
  npm(folder, "install", "--offline", here);
  assert.match(
    node(folder, "--input-type=module", "-e", 'import * as s from "scopegate"; console.log(Object.keys(s))'),
    /ResourceServer/,
  );
});

describe("the packages that are published", () => {
  test("the main package finds the native module in the platform's, and names the platform without it", (t) => {
    const folder = temporary(t);
    const out = join(folder, "npm");
    node(here, "platforms.mjs", out);
    const platform = PLATFORMS.find(({ name }) => name === platformName());
    const main = pack(join(out, "scopegate"), folder);
    const project = makeProject(join(folder, "project"), "commonjs", main, pack(join(out, platform.name), folder));
    assert.ok(!existsSync(join(project, "node_modules/scopegate", `scopegate.${platform.name}.node`)));
    node(project, "-e", 'require("scopegate")');

    rmSync(join(project, "node_modules/@scopegate"), { recursive: true });
    const { stderr } = spawnFailing(project, 'require("scopegate")');
    assert.match(stderr, new RegExp(`no native module for ${platform.name}`));
    assert.match(stderr, new RegExp(`Install the package @scopegate/${platform.name}`));
    const elsewhere = spawnFailing(
      project,
      'Object.defineProperty(process, "arch", { value: "mips" }); require("scopegate")',
    );
    assert.match(elsewhere.stderr, /no native module for linux-mips-/);
    assert.match(elsewhere.stderr, /Build from source/);
  });

  test("each platform's package says where it fits, and all have one version", (t) => {
    const out = temporary(t);
    node(here, "platforms.mjs", out);
    const read = (name) => JSON.parse(readFileSync(join(out, name, "package.json"), "utf8"));
    const main = read("scopegate");
    assert.equal(main.scripts, undefined);
    assert.deepEqual(
      Object.keys(main.optionalDependencies),
      PLATFORMS.map(({ name }) => `@scopegate/${name}`),
    );
    for (const { name, os, cpu } of PLATFORMS) {
      const { version, os: fits, cpu: runs } = read(name);
      assert.deepEqual([version, fits, runs], [main.version, [os], [cpu]]);
    }
  });

  test("the version is that of the workspace", () => {
    const workspace = readFileSync(join(here, "../Cargo.toml"), "utf8").match(/^version = "(.+)"$/m)[1];
    assert.equal(JSON.parse(readFileSync(join(here, "package.json"), "utf8")).version, workspace);
    const { name, version } = JSON.parse(readFileSync(join(here, "package-lock.json"), "utf8"));
    assert.deepEqual([name, version], ["scopegate", workspace]);
  });

  test("the lock file names no registry", () => {
    assert.doesNotMatch(readFileSync(join(here, "package-lock.json"), "utf8"), /"resolved"/);
  });
});

function spawnFailing(cwd, program) {
  try {
    execFileSync(process.execPath, ["-e", program], { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  } catch (error) {
    return error;
  }
  return assert.fail("it ran");
}

describe("programs as they stand, in an ESM project under tsc --strict", () => {
  let project;
  const blocks = [
    ...blocksOf("project", join(here, "../README.md")),
    ...blocksOf("README", join(here, "README.md")),
    ...blocksOf("docs", join(here, "../docs/node.md")),
  ];
  const folder = temporary({ after });

  before(() => {
    project = makeProject(join(folder, "project"), "module", pack(here, folder));
    linkDependencies(project);
    for (const name of readdirSync(join(here, "examples"))) cpSync(join(here, "examples", name), join(project, name));
    for (const { name, text } of blocks) writeFileSync(join(project, `${name}.ts`), text);
    compile(project);
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
    const command = shellBlocks(join(here, "../docs/node.md")).find((line) =>
      line.startsWith("npx esbuild server.ts "),
    );
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

/** The TypeScript blocks of a page: each is a whole program. */
function blocksOf(prefix, file) {
  const blocks = [...readFileSync(file, "utf8").matchAll(/^```ts\n([\s\S]*?)^```$/gm)];
  return blocks.map(([, text], index) => ({ name: `${prefix}_${index + 1}`, text }));
}

/** The lines of the shell blocks of a page. */
function shellBlocks(file) {
  return [...readFileSync(file, "utf8").matchAll(/^```sh\n([\s\S]*?)^```$/gm)].flatMap(([, text]) =>
    text.trim().split("\n"),
  );
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
