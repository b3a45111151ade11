// The MCP server of the demo: the official SDK on Express behind Scopegate, with a scope for each of its two tools.
//
// It ends with its standard input.

import { createMcpExpressApp } from "@modelcontextprotocol/express";
import { toNodeHandler } from "@modelcontextprotocol/node";
import { createMcpHandler, McpServer } from "@modelcontextprotocol/server";
import { ResourceServer } from "scopegate";
import { scopegate } from "scopegate/express";
import { filterLists } from "scopegate/mcp";
import * as z from "zod";

const gate = new ResourceServer({
  resource: process.env.RESOURCE,
  authorization_servers: [
    { issuer: process.env.ISSUER, token_format: "rfc9068" },
    // Trusted as well, so that its tokens, which are for another resource, are refused for their audience alone.
    { issuer: process.env.OTHER_ISSUER, token_format: "rfc9068", advertise: false },
  ],
  scopes_supported: ["mcp:tools:weather", "mcp:tools:email:send"],
  initial_scopes: ["mcp:tools:weather"],
  policy: {
    default: [],
    tools: { weather: ["mcp:tools:weather"], "send_*": ["mcp:tools:email:send"] },
  },
});

const handler = createMcpHandler(() => {
  const server = filterLists(gate, new McpServer({ name: "Weather", version: "1.0.0" }));
  const text = (value) => ({ content: [{ type: "text", text: value }] });
  const weather = z.object({ city: z.string() });
  server.registerTool("weather", { inputSchema: weather }, async ({ city }) => text(`Sunny in ${city}`));
  const email = z.object({ to: z.string() });
  server.registerTool("send_email", { inputSchema: email }, async ({ to }) => text(`Sent to ${to}`));
  return server;
});

const app = createMcpExpressApp({ host: "127.0.0.1", allowedHosts: [gate.hostname] });
app.use(scopegate(gate, { health: "/healthz" }));
app.all("/mcp", (request, response) => void toNodeHandler(handler)(request, response, request.body));
app.listen(Number(process.env.PORT), "127.0.0.1", () => console.log("listening"));
process.stdin.resume().on("end", () => process.exit());
