// Scopes beside the tools, for servers of both generations of the official SDK: what joins the policy, and what it forgot.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { describe, test } from "node:test";
import * as v1Server from "@modelcontextprotocol/sdk/server/mcp.js";
import { createMcpHandler, McpServer, ResourceTemplate } from "@modelcontextprotocol/server";
import { createRequire } from "node:module";
import http from "node:http";
import { getRequestListener } from "@hono/node-server";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import { ConfigError, ResourceServer } from "scopegate";
import { scopegate } from "scopegate/express";
import express from "express";
import { protect } from "scopegate/fetch";
import * as v2 from "scopegate/mcp";
import * as v1 from "scopegate/mcp-v1";
import { Issuer } from "scopegate/testing";
import { listen } from "./shared/http.mjs";
import { callTool, clients, connected } from "./shared/mcp.mjs";

const RESOURCE = "https://mcp.test/mcp";
const META = "scopegate/scopes";
const INFO = { name: "declaring", version: "1.0.0" };

const generations = {
  "SDK v2": {
    ...v2,
    Server: McpServer,
    ResourceTemplate,
    serve: (gate, make) => http.createServer(getRequestListener(protect(gate, createMcpHandler(make)))),
  },
  "SDK v1": {
    ...v1,
    Server: v1Server.McpServer,
    ResourceTemplate: v1Server.ResourceTemplate,
    serve: (gate, make) => {
      const app = express();
      app.use(scopegate(gate));
      app.all("/mcp", async (request, response) => {
        const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: undefined });
        await make().connect(transport);
        await transport.handleRequest(request, response);
      });
      return http.createServer(app);
    },
  },
};

/** A maker of servers with a tool for each of these names, which declares what stands beside it. */
function making({ Server }, tools, prepare = (server) => server) {
  return () => {
    const server = prepare(new Server(INFO));
    for (const [name, scopes] of Object.entries(tools)) {
      const _meta = scopes === undefined ? {} : { _meta: { [META]: scopes } };
      server.registerTool(name, _meta, () => ({ content: [{ type: "text", text: `${name} ran` }] }));
    }
    return server;
  };
}

function gateWith(policy) {
  const issuer = new Issuer({ resource: RESOURCE });
  const configuration = { resource: RESOURCE, authorization_servers: [issuer.server()] };
  return { issuer, gate: new ResourceServer(policy === undefined ? configuration : { ...configuration, policy }) };
}

const headers = (issuer, scope) => ({ requestInit: { headers: issuer.headers({ sub: "alice", scope }) } });

for (const [name, generation] of Object.entries(generations)) {
  describe(name, () => {
    const { declared, filterLists } = generation;

    test("a tool needs what the policy says and what stands beside it", async (t) => {
      const { issuer, gate: configured } = gateWith({ default: [], tools: { weather: ["weather"] } });
      const tools = { weather: ["beside"], erase: ["admin"], drop: "deny", free: undefined };
      const make = making(generation, tools, (server) => filterLists(() => gate, server));
      const gate = await declared(configured, make);
      const port = await listen(t, generation.serve(gate, make));
      const call = (scope, tool) =>
        connected(clients["client v1"], port, headers(issuer, scope), (client) => callTool(client, tool));
      for (const [scope, tool] of [
        ["weather beside", "weather"],
        ["admin", "erase"],
        ["any", "free"],
      ]) {
        assert.equal(await call(scope, tool), `${tool} ran`);
      }
      for (const [scope, tool] of [
        ["weather", "weather"],
        ["beside", "weather"],
        ["any", "erase"],
        ["admin", "drop"],
      ]) {
        await assert.rejects(call(scope, tool), Error, `${scope}: ${tool}`);
      }
      const listed = await connected(clients["client v1"], port, headers(issuer, "admin"), (it) => it.listTools());
      assert.deepEqual(
        listed.tools.map((tool) => tool.name),
        ["erase", "free"],
      );
    });

    test("prompts and resources declare too", async () => {
      const { issuer, gate: configured } = gateWith({ default: [] });
      const gate = await declared(configured, () => {
        const server = new generation.Server(INFO);
        const _meta = { [META]: ["secret"] };
        server.registerPrompt("greet", { _meta }, () => ({ messages: [] }));
        server.registerResource("plans", "file:///plans", { _meta }, () => ({ contents: [] }));
        const template = new generation.ResourceTemplate("note:///{name}", { list: undefined });
        server.registerResource("note", template, {}, () => ({ contents: [] }));
        return server;
      });
      const tokenWith = (scope) => gate.authorize({ authorization: issuer.authorization({ scope }), body: "" });
      // SDK 1 lists no `_meta` of prompts, so there is nothing to be seen.
      const declaring = name === "SDK v1" ? [] : [["prompts", "greet"]];
      for (const [kind, thing] of [...declaring, ["resources", "file:///plans"]]) {
        assert.equal(gate.allowed(await tokenWith("secret"), kind, thing), true, thing);
        assert.equal(gate.allowed(await tokenWith("other"), kind, thing), false, thing);
      }
    });

    test("what the policy forgot is named, and keeps a strict server from starting", async () => {
      const { gate } = gateWith({
        default: ["use"],
        tools: { wether: ["weather"], "drop_*": "deny" },
        prompts: { greet: [] },
      });
      const make = making(generation, { weather: undefined, erase: ["admin"] });
      await assert.rejects(declared(gate, make, { strict: true }), (error) => {
        assert.ok(error instanceof ConfigError);
        const told = error.errors.map(({ path, message }) => `${path}: ${message}`);
        assert.deepEqual(told.sort(), [
          "policy.prompts.greet: matches no prompt that is offered",
          "policy.tools.drop_*: matches no tool that is offered",
          "policy.tools.wether: matches no tool that is offered",
          "tools.weather: has no rule, so by default it needs use",
        ]);
        return true;
      });
      await declared(gate, make);
      const { gate: fitting } = gateWith({ default: "deny", tools: { weather: [] } });
      await declared(fitting, make, { strict: true });
    });

    test("a gate stays as it is where nothing is declared", async () => {
      const { gate } = gateWith({ default: [] });
      assert.equal(await declared(gate, making(generation, { weather: undefined })), gate);
    });

    test("what was listed joins the gate that becomes current", async () => {
      const { issuer, gate: first } = gateWith({ default: [] });
      const { gate: second } = gateWith({ default: [], tools: { erase: ["second"] } });
      let now = first;
      const gate = await declared(() => now, making(generation, { erase: ["admin"] }));
      const token = await gate().authorize({ authorization: issuer.authorization({ scope: "admin" }), body: "" });
      assert.equal(gate(), gate());
      assert.equal(gate().allowed(token, "tools", "erase"), true);
      now = second;
      assert.equal(gate().allowed(token, "tools", "erase"), false);
    });

    test("scopes that are none are mistakes with their path", async () => {
      const { gate } = gateWith({ default: [] });
      for (const scopes of [["not a scope"], "admin", 7, [7], ["offline_access"], { a: 1 }]) {
        await assert.rejects(
          declared(gate, making(generation, { erase: scopes })),
          (error) => {
            assert.ok(error instanceof ConfigError, String(error));
            assert.ok(
              error.errors.every(({ path }) => path.startsWith("tools.erase")),
              error.message,
            );
            return true;
          },
          JSON.stringify(scopes),
        );
      }
    });
  });
}

test("a server that offers nothing, and one that makes none", async () => {
  const { gate } = gateWith({ default: [] });
  assert.equal(await v2.declared(gate, () => new McpServer(INFO)), gate);
  await assert.rejects(
    v2.declared(gate, () => undefined),
    TypeError,
  );
  await assert.rejects(v2.declared(gate, new McpServer(INFO)), TypeError);
  await assert.rejects(
    v2.declared(gate, () => new McpServer(INFO), { strikt: true }),
    /strikt: unknown/,
  );
});

test("CommonJS has it too", () => {
  const require = createRequire(import.meta.url);
  assert.equal(typeof require("scopegate/mcp").declared, "function");
  assert.equal(typeof require("scopegate/mcp-v1").declared, "function");
});

test("each thing that the policy forgot is a line of the log", () => {
  const program = `
    import { McpServer } from "@modelcontextprotocol/server";
    import { ResourceServer } from "scopegate";
    import { declared } from "scopegate/mcp";
    import { Issuer } from "scopegate/testing";
    const resource = "https://mcp.test/mcp";
    const policy = { default: [], tools: Object.fromEntries(Array.from({ length: 9 }, (_, at) => ["t" + at, []])) };
    const issuer = new Issuer({ resource });
    const gate = new ResourceServer({ resource, authorization_servers: [issuer.server()], policy });
    await declared(gate, () => {
      const server = new McpServer({ name: "x", version: "1" });
      server.registerTool("weather", {}, () => ({ content: [] }));
      return server;
    });`;
  const env = { ...process.env, NODE_DEBUG: "scopegate" };
  const argv = ["--input-type=module", "-e", `${program} console.error("end");`];
  const written = execFileSync("sh", ["-c", '"$0" "$@" 2>&1', process.execPath, ...argv], { env, encoding: "utf8" });
  for (let at = 0; at < 9; at += 1)
    assert.ok(written.includes(`policy: policy.tools.t${at}: matches no tool`), written);
  assert.ok(written.includes("policy: tools.weather: has no rule, so by default it needs no scope"), written);
});
