// Lists of servers of both SDK generations, as users with different scopes see them.

import assert from "node:assert/strict";
import http from "node:http";
import { createRequire } from "node:module";
import { describe, test } from "node:test";
import { InMemoryTransport as V2InMemoryTransport, Client as V2Client } from "@modelcontextprotocol/client";
import { toNodeHandler } from "@modelcontextprotocol/node";
import { Client as V1Client } from "@modelcontextprotocol/sdk/client/index.js";
import { InMemoryTransport as V1InMemoryTransport } from "@modelcontextprotocol/sdk/inMemory.js";
import * as v1 from "@modelcontextprotocol/sdk/server/mcp.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import * as v2 from "@modelcontextprotocol/server";
import express from "express";
import { ResourceServer } from "scopegate";
import { scopegate } from "scopegate/express";
import * as forV2 from "scopegate/mcp";
import * as forV1 from "scopegate/mcp-v1";
import { Issuer } from "scopegate/testing";
import { freePort, listen } from "./shared/http.mjs";
import { clients, connected, EMAIL, WEATHER } from "./shared/mcp.mjs";

const require = createRequire(import.meta.url);

const POLICY = { default: [], tools: { weather: [WEATHER], "send_*": [EMAIL], "drop_*": "deny" } };
const CAPABILITIES = { capabilities: { tools: {} } };

/** Registers what there is to list. */
function withEverything(server, { ResourceTemplate }) {
  const tool = () => ({ content: [] });
  for (const name of ["weather", "send_email", "drop_table", "whoami"]) server.registerTool(name, {}, tool);
  server.registerPrompt("summarise", {}, () => ({ messages: [] }));
  server.registerResource("readme", "file:///readme", {}, () => ({ contents: [] }));
  const template = new ResourceTemplate("file:///reports/{year}", { list: undefined });
  server.registerResource("reports", template, {}, () => ({ contents: [] }));
  return server;
}

/** Each makes the middleware that answers for a server of that generation, and the names of its clients. */
const generations = {
  v2: {
    clients: ["client v2, 2026-07-28", "client v2, initialize", "client v1"],
    handler: (gate, options) => {
      const make = () => forV2.filterLists(gate, new v2.McpServer({ name: "lists", version: "1.0.0" }, options));
      const handle = toNodeHandler(v2.createMcpHandler(() => withEverything(make(), v2)));
      return (request, response) => void handle(request, response, request.body);
    },
  },
  v1: {
    clients: ["client v2, initialize", "client v1"],
    handler: (gate, options) => async (request, response) => {
      const server = forV1.filterLists(gate, new v1.McpServer({ name: "lists", version: "1.0.0" }, options));
      const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: undefined });
      await withEverything(server, v1).connect(transport);
      await transport.handleRequest(request, response, request.body);
    },
  },
};

/** A server behind the gate, or without anything in front of it. */
async function serve(context, generation, { policy = POLICY, guarded = true, options } = {}) {
  const port = await freePort();
  const resource = `http://127.0.0.1:${port}/mcp`;
  const issuer = new Issuer({ resource });
  const gate = new ResourceServer({ resource, authorization_servers: [issuer.server()], policy });
  const app = express();
  if (guarded) app.use(scopegate(gate));
  app.use(express.json());
  app.all("/mcp", generations[generation].handler(gate, options));
  await listen(context, http.createServer(app), port);
  return { port, issuer };
}

/** What a user is shown, with a client that keeps the responses it got. */
async function listsFor({ port, issuer }, client, claims) {
  const results = [];
  const recording = async (url, init) => {
    const response = await fetch(url, init);
    results.push(await response.clone().text());
    return response;
  };
  const options = { fetch: recording, requestInit: { headers: issuer.headers(claims) } };
  const names = await connected(clients[client], port, options, async (it) => ({
    tools: (await it.listTools()).tools.map(({ name }) => name),
    prompts: (await it.listPrompts()).prompts.map(({ name }) => name),
    resources: (await it.listResources()).resources.map(({ uri }) => uri),
    templates: (await it.listResourceTemplates()).resourceTemplates.map(({ uriTemplate }) => uriTemplate),
  }));
  return { names, lists: results.filter((text) => /"(tools|prompts|resources|resourceTemplates)":\[/.test(text)) };
}

for (const [generation, { clients: names }] of Object.entries(generations)) {
  describe(`a server of SDK ${generation}`, () => {
    for (const client of names) {
      test(`${client}: each user is shown what the scopes allow`, async (t) => {
        const server = await serve(t, generation);
        const tools = async (scope) => (await listsFor(server, client, { scope, sub: scope })).names.tools;
        assert.deepEqual(await tools(WEATHER), ["weather", "whoami"]);
        assert.deepEqual(await tools(EMAIL), ["send_email", "whoami"]);
        assert.deepEqual(await tools(`${EMAIL} ${WEATHER}`), ["weather", "send_email", "whoami"]);
        assert.deepEqual(await tools("other"), ["whoami"]);
      });

      test(`${client}: prompts and resources are filtered as well`, async (t) => {
        const open = { default: [], methods: {} };
        const closed = { default: "deny", methods: Object.fromEntries(LIST_METHODS.map((method) => [method, []])) };
        const everything = (await listsFor(await serve(t, generation, { policy: open }), client, {})).names;
        assert.deepEqual(everything, {
          tools: ["weather", "send_email", "drop_table", "whoami"],
          prompts: ["summarise"],
          resources: ["file:///readme"],
          templates: ["file:///reports/{year}"],
        });
        const nothing = (await listsFor(await serve(t, generation, { policy: closed }), client, {})).names;
        assert.deepEqual(nothing, { tools: [], prompts: [], resources: [], templates: [] });
      });

      test(`${client}: without an adapter in front nothing is listed`, async (t) => {
        const server = await serve(t, generation, { guarded: false });
        const { tools, prompts } = (await listsFor(server, client, { scope: WEATHER })).names;
        assert.deepEqual([tools, prompts], [[], []]);
      });
    }
  });
}

const LIST_METHODS = ["tools/list", "prompts/list", "resources/list", "resources/templates/list"];

test("a list is private to its reader, whatever the server says of its caches", async (t) => {
  const cacheHints = Object.fromEntries(
    LIST_METHODS.map((method) => [method, { cacheScope: "public", ttlMs: 60_000 }]),
  );
  const server = await serve(t, "v2", { options: { cacheHints } });
  const { lists } = await listsFor(server, "client v2, 2026-07-28", { scope: WEATHER });
  assert.equal(lists.length, LIST_METHODS.length);
  for (const list of lists) {
    assert.match(list, /"cacheScope":"private"/);
    assert.doesNotMatch(list, /"public"/);
    assert.match(list, /"ttlMs":60000/);
  }
});

test("a revision without caches gets no word about them", async (t) => {
  for (const generation of ["v1", "v2"]) {
    const { lists } = await listsFor(await serve(t, generation), "client v1", { scope: WEATHER });
    assert.equal(lists.length, LIST_METHODS.length);
    for (const list of lists) assert.doesNotMatch(list, /cacheScope/);
  }
});

describe("filterLists", () => {
  const issuer = new Issuer();
  const gate = new ResourceServer({
    resource: "https://mcp.test/mcp",
    authorization_servers: [issuer.server()],
    policy: { default: "deny" },
  });
  const kinds = {
    v2: { ...forV2, sdk: v2, Client: V2Client, InMemoryTransport: V2InMemoryTransport },
    v1: { ...forV1, sdk: v1, Client: V1Client, InMemoryTransport: V1InMemoryTransport },
  };
  for (const [generation, { filterLists, sdk, Client, InMemoryTransport }] of Object.entries(kinds)) {
    const make = (options) => new sdk.McpServer({ name: "lists", version: "1.0.0" }, options);

    test(`${generation}: there is no caller on a pipe, where lists stay whole`, async (t) => {
      const server = withEverything(filterLists(gate, make()), sdk);
      const [ours, theirs] = InMemoryTransport.createLinkedPair();
      const client = new Client({ name: "pipe", version: "1.0.0" });
      await Promise.all([server.connect(ours), client.connect(theirs)]);
      t.after(() => client.close());
      assert.equal((await client.listTools()).tools.length, 4);
    });

    test(`${generation}: a server that has a list already is refused, since that one would stay whole`, () => {
      const late = make();
      late.registerTool("weather", {}, () => ({ content: [] }));
      for (const server of [late, late.server, make(CAPABILITIES)]) {
        assert.throws(() => filterLists(gate, server), /before anything is registered/);
      }
    });

    test(`${generation}: takes a gate and a server, and nothing else`, () => {
      assert.throws(() => filterLists({}, make()), TypeError);
      for (const server of [undefined, {}, { server: {} }]) assert.throws(() => filterLists(gate, server), TypeError);
    });
  }

  test("a handler of the low-level server is filtered, and its own list stays as it is", async (t) => {
    const server = new v2.Server({ name: "low", version: "1.0.0" }, CAPABILITIES);
    const inputSchema = { type: "object" };
    const kept = {
      tools: [
        { name: "weather", inputSchema },
        { name: "other", inputSchema },
      ],
    };
    forV2.filterLists(gate, server).setRequestHandler("tools/list", () => kept);
    const [ours, theirs] = V2InMemoryTransport.createLinkedPair();
    const client = new V2Client({ name: "pipe", version: "1.0.0" });
    await server.connect(ours);
    // As an HTTP transport does that has nobody in front of it.
    const { onmessage } = ours;
    ours.onmessage = (message, extra) => onmessage(message, { ...extra, request: new Request("https://mcp.test/mcp") });
    await client.connect(theirs);
    t.after(() => client.close());
    assert.deepEqual((await client.listTools()).tools, []);
    assert.equal(kept.tools.length, 2);
  });

  test("is the same for ESM and CommonJS", () => {
    assert.equal(require("scopegate/mcp").filterLists, forV2.filterLists);
    assert.equal(require("scopegate/mcp-v1").filterLists, forV1.filterLists);
  });
});

test("the names of the SDKs that list filtering leans on are there", () => {
  for (const server of [
    new v2.McpServer({ name: "a", version: "1" }).server,
    new v1.McpServer({ name: "a", version: "1" }).server,
  ]) {
    assert.equal(typeof server.setRequestHandler, "function");
    assert.equal(typeof server.assertCanSetRequestHandler, "function");
  }
});
