// What the types accept and refuse; `tsc` runs it, nobody else does.

import { type AuthInfo as V1AuthInfo } from "@modelcontextprotocol/sdk/server/auth/types.js";
import { type OAuthTokenVerifier as V1Verifier } from "@modelcontextprotocol/sdk/server/auth/provider.js";
import { type McpServer as V1McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import {
  type AuthInfo as V2AuthInfo,
  type McpServer as V2McpServer,
  type OAuthTokenVerifier as V2Verifier,
  type Server as V2Server,
} from "@modelcontextprotocol/server";
import { AccessToken, type Reason, Rejected, ResourceServer, version } from "scopegate";
import { accessToken, type AuthInfo, scopegate } from "scopegate/express";
import { filterLists as filterV2Lists, TokenVerifier as V2TokenVerifier } from "scopegate/mcp";
import { filterLists as filterV1Lists, TokenVerifier as V1TokenVerifier } from "scopegate/mcp-v1";
import { Issuer } from "scopegate/testing";

declare const gate: ResourceServer;
declare const token: AccessToken;
declare const info: AuthInfo;
declare const v1: V1AuthInfo | undefined;
declare const v2: V2AuthInfo | undefined;
declare const v1Server: V1McpServer;
declare const v2Server: V2McpServer;

new ResourceServer({ resource: "https://mcp.test", authorization_servers: ["https://as.test", new Issuer().server()] });
// @ts-expect-error: keys are in snake case
new ResourceServer({ resource: "https://mcp.test", authorizationServers: ["https://as.test"] });
// @ts-expect-error: also in nested objects
new ResourceServer({ resource: "https://mcp.test", authorization_servers: [], keys: { maxWaiters: 1 } });
// @ts-expect-error: authorization_servers is required
new ResourceServer({ resource: "https://mcp.test" });
// @ts-expect-error: a policy says what holds for the rest
new ResourceServer({ resource: "https://mcp.test", authorization_servers: [], policy: { tools: {} } });

const promised: Promise<AccessToken> = gate.authorize({ authorization: ["a", "b"], body: async () => "" });
const subject: string | undefined = token.subject;
const scopes: readonly string[] = token.scopes;
// @ts-expect-error: it cannot be changed
token.subject = "bob";
// @ts-expect-error: nor its lists
token.scopes.push("a");
// @ts-expect-error: nor made
new AccessToken();
// @ts-expect-error: an unknown member
void gate.authorize({ authorisation: "x" });
// @ts-expect-error: a kind is one of three
gate.allowed(token, "tool", "weather");

const explained: string = gate
  .explain({ authorization: "a" })
  .checks.map(({ check, hint }) => check + hint)
  .join();
// @ts-expect-error: it cannot be changed
gate.explain().outcome = "accepted";

gate.replaceKeys("https://as.test", { keys: [] });
gate.replaceKeys("https://as.test", "{}");
// @ts-expect-error: a key set has keys
gate.replaceKeys("https://as.test", {});
// @ts-expect-error: which key?
gate.distrustKey("https://as.test");
new ResourceServer({
  resource: "https://mcp.test",
  authorization_servers: ["https://as.test"],
  distrusted_keys: [{ issuer: "https://as.test", kid: "a" }],
  keys: { snapshot: gate.exportKeys(), background_refresh: false },
});

const reason: Reason = (null as unknown as Rejected).reason;
// @ts-expect-error: the list is closed
const unknown: Reason = "no_such_reason";

const forV1: V1AuthInfo = info;
const forV2: V2AuthInfo = info;
const fromV1: AccessToken = accessToken(v1);
const fromV2: AccessToken = accessToken(v2);
const v1Verifier: V1Verifier = new V1TokenVerifier(gate);
const v2Verifier: V2Verifier = new V2TokenVerifier(gate);
const filteredV1: V1McpServer = filterV1Lists(gate, v1Server);
const filteredV2: V2McpServer = filterV2Lists(gate, v2Server);
const filteredLow: V2Server = filterV2Lists(gate, v2Server.server);
// @ts-expect-error: a server of the SDK is needed
filterV2Lists(gate, {});
const versionText: string = version;
scopegate(gate, {
  public: new Set(["/open"]),
  scopes: ["a"],
  health: "/healthz",
  metrics: "/metrics",
  exposeToken: true,
});
// @ts-expect-error: an unknown option
scopegate(gate, { pubic: [] });

export { filteredLow, filteredV1, filteredV2, versionText };
export { explained, forV1, forV2, fromV1, fromV2, promised, reason, scopes, subject, unknown, v1Verifier, v2Verifier };
