// `scopes` as a function of the call: in front of the official SDKs' servers, over sockets.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ResourceServer } from "scopegate";
import { Issuer } from "scopegate/testing";
import { exchange, httpRequest, listen } from "./shared/http.mjs";
import { callTool, clients, connected, servers } from "./shared/mcp.mjs";

const INTERNAL = '{"error":"server_error","error_description":"Internal error"}';
const MALFORMED = '{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"Invalid Request"}}';

/** Sending mail to strangers needs a scope of its own. The second form answers later. */
const byRecipient = {
  "at once": ({ name, params }) =>
    name === "send_email" && params.arguments.to !== "me" ? ["mail:others"] : undefined,
  later: async (call) => byRecipient["at once"](call),
};

/** A server whose adapter asks `scopes`, and what it was asked. */
async function serve(context, server, scopes, configuration = {}) {
  const asked = [];
  const scopesOf = (call) => {
    const { token, ...rest } = call;
    asked.push({ ...rest, subject: token.subject });
    return scopes(call);
  };
  const issuer = new Issuer({ resource: "https://mcp.test/mcp" });
  const gate = new ResourceServer({
    resource: "https://mcp.test/mcp",
    authorization_servers: [issuer.server()],
    ...configuration,
  });
  const port = await listen(context, servers[server](gate, { scopes: scopesOf }));
  const post = (claims, body, lines = []) =>
    exchange(
      port,
      httpRequest(
        "POST",
        "/mcp",
        [
          "Content-Type: application/json",
          "Accept: application/json, text/event-stream",
          ...(claims === undefined ? [] : [`Authorization: ${issuer.authorization({ sub: "alice", ...claims })}`]),
          ...lines,
        ],
        typeof body === "string" ? body : JSON.stringify(body),
        "localhost",
      ),
    );
  return { port, issuer, gate, asked, post };
}

const call = (name, args, id = 7) => ({ jsonrpc: "2.0", id, method: "tools/call", params: { name, arguments: args } });

for (const server of Object.keys(servers)) {
  describe(server, () => {
    for (const [form, scopes] of Object.entries(byRecipient)) {
      test(`what the function says ${form} is needed beside the policy`, async (t) => {
        const policy = { default: [], tools: { send_email: ["mail"] } };
        const { asked, post } = await serve(t, server, scopes, { policy });
        const short = await post({ scope: "mail" }, call("send_email", { to: "you" }));
        assert.equal(short.status, 403);
        const challenge = 'Bearer error="insufficient_scope", scope="mail mail:others", resource_metadata=';
        assert.ok(short.header("www-authenticate").startsWith(challenge), short.header("www-authenticate"));
        const { id, error } = JSON.parse(short.body);
        assert.deepEqual([id, error.data.scope], [7, "mail mail:others"]);
        assert.equal(
          (await post({ scope: "mail" }, call("send_email", { to: "me" }))).header("www-authenticate"),
          undefined,
        );
        const granted = await post({ scope: "mail mail:others" }, call("send_email", { to: "you" }));
        assert.equal(granted.header("www-authenticate"), undefined);
        const params = (to) => ({ name: "send_email", arguments: { to } });
        const told = (to) => ({ method: "tools/call", name: "send_email", params: params(to), subject: "alice" });
        assert.deepEqual(asked, [told("you"), told("me"), told("you")]);
      });
    }

    test("an official client calls what it may, and the tool runs", async (t) => {
      const { port, issuer } = await serve(t, server, byRecipient.later);
      const options = (scope) => ({ requestInit: { headers: issuer.headers({ sub: "alice", scope }) } });
      const send = (scope, to) =>
        connected(clients["client v1"], port, options(scope), (it) => callTool(it, "send_email", { to }));
      assert.equal(await send("mail:others", "you"), "Sent to you");
      assert.equal(await send("none", "me"), "Sent to me");
      await assert.rejects(send("none", "you"), (error) => error instanceof Error);
    });

    test("strangers and what the policy denies never reach it", async (t) => {
      const policy = { default: [], tools: { drop_table: "deny", weather: ["weather"] } };
      const { asked, post } = await serve(t, server, () => [], { policy });
      assert.equal((await post(undefined, call("weather", {}))).status, 401);
      assert.equal((await post({ expires_in: -3600 }, call("weather", {}))).status, 401);
      assert.equal((await post({}, call("drop_table", {}))).status, 403);
      assert.equal((await post({}, call("weather", {}))).status, 403);
      assert.deepEqual(asked, []);
    });

    test("a body that two parsers could read differently is refused, without a policy too", async (t) => {
      const { asked, post } = await serve(t, server, byRecipient["at once"]);
      const twice = JSON.stringify(call("send_email", { to: "you" })).replace('"to"', '"to":"me","to"');
      const ambiguous = await post({}, twice);
      if (server.includes("Express")) {
        // Its parser ran first: the function was asked about what it made, which is what the server reads.
        assert.equal(ambiguous.status, 403);
        assert.equal(asked[0].params.arguments.to, "you");
        return;
      }
      assert.deepEqual([ambiguous.status, ambiguous.body], [400, MALFORMED]);
      for (const [line, status] of [
        ["Content-Encoding: gzip", 415],
        ["Content-Type: text/plain", 415],
      ]) {
        assert.equal((await post({}, call("send_email", { to: "me" }), [line])).status, status, line);
      }
      assert.deepEqual(asked, []);
    });

    test("a batch needs what each of its calls needs", async (t) => {
      const { asked, post } = await serve(t, server, ({ name }) => [`tool:${name}`, "common"]);
      const batch = [call("weather", { city: "x" }, 1), call("whoami", {}, 2)];
      const short = await post({}, batch);
      assert.equal(short.status, 403);
      assert.ok(short.header("www-authenticate").includes('scope="tool:weather common tool:whoami"'));
      assert.deepEqual(
        asked.map(({ name }) => name),
        ["weather", "whoami"],
      );
    });

    test("a request that calls nothing is asked about without method and name", async (t) => {
      const { port, issuer, asked } = await serve(t, server, () => ["read"]);
      const lines = [`Authorization: ${issuer.authorization({ sub: "alice" })}`, "Accept: text/event-stream"];
      const found = await exchange(port, httpRequest("GET", "/mcp", lines, undefined, "localhost"));
      assert.equal(found.status, 403);
      assert.deepEqual(asked, [{ method: undefined, name: undefined, params: {}, subject: "alice" }]);
    });

    const faults = {
      "that throws": () => {
        throw new TypeError("secret");
      },
      "that rejects": () => Promise.reject(new Error("secret")),
      "that gives no list": () => "mail",
      "that gives no strings": () => [7],
      "that gives what is no scope": () => ["not a scope"],
      "that gives offline_access": () => ["offline_access"],
    };
    for (const [fault, scopes] of Object.entries(faults)) {
      test(`a function ${fault} lets nothing pass`, async (t) => {
        const { post } = await serve(t, server, scopes);
        const found = await post({ scope: "mail" }, call("send_email", { to: "me" }));
        assert.deepEqual([found.status, found.header("www-authenticate"), found.body], [500, undefined, INTERNAL]);
      });
    }
  });
}

test("what the function threw is told to the operator without its message", async (t) => {
  const refusals = [];
  const issuer = new Issuer({ resource: "https://mcp.test/mcp" });
  const configuration = { resource: "https://mcp.test/mcp", authorization_servers: [issuer.server()] };
  const gate = new ResourceServer(configuration, { onRefusal: (refusal) => refusals.push(refusal) });
  const scopes = () => {
    throw new RangeError("secret");
  };
  const port = await listen(t, servers["SDK v2 on fetch"](gate, { scopes }));
  const lines = [`Authorization: ${issuer.authorization({})}`, "Content-Type: application/json"];
  await exchange(port, httpRequest("POST", "/mcp", lines, JSON.stringify(call("weather", {}))));
  assert.deepEqual(
    refusals.map(({ reason, detail }) => [reason, detail]),
    [["internal", "scopes: the function threw RangeError"]],
  );
});
