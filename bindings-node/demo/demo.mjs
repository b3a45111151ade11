// The demo: an authorization server, an MCP server behind Scopegate, and the official MCP client, all on loopback.
//
//     SCOPEGATE_AUTHSERVER=target/release/scopegate-authserver node bindings-node/demo/demo.mjs
//
// It prints what goes over the wire, step by step. Every exchange, challenge and reason is checked; at the first that
// is not as expected it says which step that was, and exits with 1.

import { secret } from "./authorization-server.mjs";
import { expect, expectRefusal } from "./exchanges.mjs";
import { authenticating, presenting } from "./official-client.mjs";
import { EMAIL, staged, WEATHER } from "./stage.mjs";
import { headerAndClaims, tampered } from "./tokens.mjs";
import { Transcript } from "./transcript.mjs";

/** What a client does that knows the URL of the MCP server, until its first request is answered. */
const CONNECTING = [
  "POST /mcp server/discover 401",
  "GET /.well-known/oauth-protected-resource/mcp 200",
  "GET /.well-known/oauth-authorization-server/weather 200",
  "POST /weather/token 200",
  "POST /mcp server/discover 200",
];

const transcript = new Transcript();

/** The whole story. */
async function tell(stage) {
  await authenticating(stage.resource, stage.issuer, "assistant", secret("assistant"), async (client) => {
    await connecting(stage, client);
    await allowedTool(client);
    await steppingUp(stage, client);
    await deniedScope(stage);
    await rotatedKeys(stage, client);
    await tamperedToken(stage, client); // after the rotation: both draw on one budget of fetches
    await tokenForAnotherResource(stage);
    await knownKeyInAnOutage(stage, client);
    await noKeysInAnOutage(stage, client);
  });
}

async function connecting(stage, client) {
  const [challenged, resource, server, issued, accepted] = client.exchanges.take(...CONNECTING);

  transcript.step("The official client connects without a token and is challenged");
  transcript.exchange(challenged);
  expectRefusal(challenged, `Bearer scope="${WEATHER}", resource_metadata="${stage.metadataUrl}"`);
  await logged(stage, "missing_token (2001)");

  transcript.step("It follows the challenge to both metadata documents");
  transcript.exchange(resource);
  transcript.document(resource.json());
  expect("resource", resource.json().resource, stage.resource);
  expect("authorization_servers", resource.json().authorization_servers, [stage.issuer]);
  transcript.exchange(server);
  transcript.document(server.json());
  expect("issuer", server.json().issuer, stage.issuer);

  transcript.step("It gets a token with the scope of the challenge, and is let in");
  transcript.exchange(issued);
  const { header, claims } = headerAndClaims(client.token);
  transcript.document(claims);
  expect("typ", header.typ, "at+jwt");
  expect("aud", claims.aud, stage.resource);
  expect("scope", claims.scope, WEATHER);
  transcript.exchange(accepted);
}

async function allowedTool(client) {
  transcript.step("It is shown the tool that this scope allows, and calls it");
  const tools = await client.tools();
  const answer = await client.call("weather", { city: "Oslo" });
  const [listed, called] = client.exchanges.take("POST /mcp tools/list 200", "POST /mcp tools/call 200");
  transcript.exchange(listed);
  transcript.note("tools", tools.join(", "));
  expect("tools", tools, ["weather"]);
  transcript.exchange(called);
  transcript.note("answer", answer);
  expect("answer", answer, "Sunny in Oslo");
}

async function steppingUp(stage, client) {
  transcript.step("It calls a tool that needs another scope: refused, it steps up by itself");
  const answer = await client.call("send_email", { to: "ada@example.com" });
  const [refused, , , issued, called] = client.exchanges.take(
    "POST /mcp tools/call 403",
    "GET /.well-known/oauth-protected-resource/mcp 200", // the SDK reads both documents again
    "GET /.well-known/oauth-authorization-server/weather 200",
    "POST /weather/token 200",
    "POST /mcp tools/call 200",
  );
  transcript.exchange(refused);
  expectRefusal(refused, emailChallenge(stage));
  await logged(stage, "insufficient_scope (6001)");
  transcript.exchange(issued);
  const { claims } = headerAndClaims(client.token);
  transcript.note("scope of the token", claims.scope);
  expect("scope", claims.scope, `${WEATHER} ${EMAIL}`);
  transcript.exchange(called);
  transcript.note("answer", answer);
  expect("answer", answer, "Sent to ada@example.com");
}

async function deniedScope(stage) {
  transcript.step("A client that the authorization server denies that scope: the refusal is final");
  await authenticating(stage.resource, stage.issuer, "reader", secret("reader"), async (reader) => {
    reader.exchanges.take(...CONNECTING);
    await reader.refusedCall("send_email", { to: "ada@example.com" });
    const exchanges = reader.exchanges.take(
      "POST /mcp tools/call 403",
      "GET /.well-known/oauth-protected-resource/mcp 200",
      "GET /.well-known/oauth-authorization-server/weather 200",
      "POST /weather/token 400",
    );
    const [refused, notIssued] = [exchanges.at(0), exchanges.at(-1)];
    transcript.requestAndStatus(refused); // its challenge is the same
    transcript.document(refused.json());
    expectRefusal(refused, emailChallenge(stage));
    await logged(stage, "missing_token (2001)");
    await logged(stage, "insufficient_scope (6001)");
    transcript.exchange(notIssued);
    transcript.document(notIssued.json());
    expect("error", notIssued.json().error, "invalid_scope");
  });
}

async function rotatedKeys(stage, client) {
  transcript.step("The authorization server signs with a new key: the next token is accepted");
  await stage.authorizationServer.rotate("weather", true);
  await authenticating(stage.resource, stage.issuer, "assistant", secret("assistant"), async (newcomer) => {
    const [issued, accepted] = newcomer.exchanges.take(...CONNECTING).slice(-2);
    const [before, now] = [client, newcomer].map(({ token }) => headerAndClaims(token).header.kid);
    await logged(stage, "missing_token (2001)");
    transcript.exchange(issued);
    transcript.note("kid", `${now.slice(0, 12)}..., and ${before.slice(0, 12)}... before`);
    expect("a new kid", now !== before, true);
    transcript.exchange(accepted);
  });
}

async function tamperedToken(stage, client) {
  transcript.step("A token with a scope that was written into it");
  const forged = tampered(client.token, { scope: `${WEATHER} ${EMAIL} admin` });
  await presenting(stage.resource, forged, async (forger) => {
    const refused = forger.refusal("POST /mcp server/discover 401");
    transcript.exchange(refused);
    expectRefusal(refused, invalidTokenChallenge(stage));
    transcript.note("log", await logged(stage, "bad_signature (4003)"));
  });
}

async function tokenForAnotherResource(stage) {
  transcript.step("A good token of a trusted issuer, for another resource: the same answer, another reason");
  const token = await stage.authorizationServer.token("calendar", "assistant");
  await presenting(stage.resource, token, async (client) => {
    const refused = client.refusal("POST /mcp server/discover 401");
    transcript.requestAndStatus(refused);
    expectRefusal(refused, invalidTokenChallenge(stage));
    transcript.note("log", await logged(stage, "wrong_audience (5004)"));
  });
}

async function knownKeyInAnOutage(stage, client) {
  transcript.step("The authorization server is stopped: a token of a known key is accepted as before");
  await stage.authorizationServer.stop();
  const answer = await client.call("weather", { city: "Bergen" });
  const [called] = client.exchanges.take("POST /mcp tools/call 200");
  transcript.exchange(called);
  transcript.note("answer", answer);
  expect("answer", answer, "Sunny in Bergen");
}

async function noKeysInAnOutage(stage, client) {
  transcript.step("A freshly started MCP server has no keys to judge it by: the client is to try again");
  await stage.restartMcpServer();
  await client.refusedCall("weather", { city: "Bergen" });
  const [refused] = client.exchanges.take("POST /mcp tools/call 503");
  transcript.exchange(refused);
  transcript.document(refused.json());
  expectRefusal(refused, undefined);
  const seconds = Number(refused.headers.get("retry-after"));
  expect("Retry-After of 1 to 60 seconds", seconds >= 1 && seconds <= 60, true);
  transcript.note("log", await logged(stage, "keys_unavailable (7001)"));
}

/** For a token without the scope of `send_email`: what the call needs, then what was granted already. */
function emailChallenge({ metadataUrl }) {
  return (
    `Bearer error="insufficient_scope", scope="${EMAIL} ${WEATHER}", resource_metadata="${metadataUrl}"` +
    `, error_description="Required scope: ${EMAIL}"`
  );
}

/** For a token that was judged and is bad, whatever the reason. */
function invalidTokenChallenge({ metadataUrl }) {
  return (
    `Bearer error="invalid_token", scope="${WEATHER}", resource_metadata="${metadataUrl}"` +
    ', error_description="Bearer token is invalid or expired"'
  );
}

/** The next refusal in the log of the MCP server, which must have this reason. No client is told it. */
async function logged(stage, reason) {
  const line = await stage.nextRefusal();
  expect("the reason in the log", line.split(": ")[1], reason);
  return line.split(" [docs/")[0];
}

async function main() {
  const authserver = process.env.SCOPEGATE_AUTHSERVER;
  if (authserver === undefined) {
    console.error("SCOPEGATE_AUTHSERVER: expected the path of the program scopegate-authserver");
    return 2;
  }
  const begun = performance.now();
  return staged(async (stage) => {
    try {
      await tell(stage);
    } catch (error) {
      console.error(`\nNot as expected in step ${transcript.number} (${transcript.title}):\n${error.stack ?? error}\n`);
      console.error(["The log of the MCP server ends with:", ...stage.logEnd()].join("\n"));
      return 1;
    }
    const seconds = ((performance.now() - begun) / 1000).toFixed(1);
    console.log(`\nAll ${transcript.number} steps went as expected, in ${seconds} seconds.`);
    return 0;
  });
}

process.exitCode = await main();
