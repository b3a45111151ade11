// The official TypeScript client of the generation that the first argument names, told what to do by lines of JSON;
// tests/matrix/children.py says which.

import { createRequire } from "node:module";
import { createInterface } from "node:readline";

// The packages are those that bindings-node is tested with.
const require = createRequire(new URL("../../../bindings-node/package.json", import.meta.url));
const INFO = { name: "matrix", version: "1.0.0" };
const GENERATIONS = {
  2: () => ({
    ...require("@modelcontextprotocol/client"),
    optionsOf: (era) => ({ versionNegotiation: { mode: era === "legacy" ? "legacy" : "auto" } }),
  }),
  1: () => ({
    ...require("@modelcontextprotocol/sdk/client/index.js"),
    ...require("@modelcontextprotocol/sdk/client/streamableHttp.js"),
    ...require("@modelcontextprotocol/sdk/client/auth-extensions.js"),
    optionsOf: () => ({}),
  }),
};
const { Client, ClientCredentialsProvider, StreamableHTTPClientTransport, optionsOf } = GENERATIONS[process.argv[2]]();

async function run({ url, era, headers, oauth, tool, arguments: args, seconds }) {
  const report = { asked: [] };
  const fetch = async (input, init) => {
    if (String(input).endsWith("/token")) report.asked.push(new URLSearchParams(init.body).get("scope") ?? "");
    return globalThis.fetch(input, init);
  };
  const authProvider =
    oauth &&
    new ClientCredentialsProvider({ clientId: oauth.client, clientSecret: oauth.secret, expectedIssuer: oauth.issuer });
  const client = new Client(INFO, optionsOf(era));
  const transport = new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers }, authProvider, fetch });
  const step = async (name, action) => {
    try {
      await within(seconds, action());
      report[name] = "ok";
    } catch (error) {
      report[name] = told(error);
    }
  };
  await step("connect", () => client.connect(transport));
  if (report.connect === "ok") {
    await step("list", () => client.listTools());
    await step("call", () => client.callTool({ name: tool, arguments: args }));
    await step("again", () => client.callTool({ name: "greet", arguments: {} }));
  }
  await client.close();
  return report;
}

function within(seconds, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${seconds} s`)), seconds * 1000);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** The class as it is named in the package, though bundlers rename it. */
function told(error) {
  return `${error.constructor.name}: ${error.message}`;
}

for await (const line of createInterface({ input: process.stdin })) {
  const { id, ...task } = JSON.parse(line);
  void run(task).then((report) => console.log(JSON.stringify({ id, report })));
}
