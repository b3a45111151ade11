// The packed package in an empty project: entry points, types, platform packages.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { linkDependencies, makeProject, npm, pack, temporary } from "./shared/project.mjs";

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
