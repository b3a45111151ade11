// The official MCP client, with a record of what it sends and receives.

import { Client, ClientCredentialsProvider, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { Exchanges, Unexpected } from "./exchanges.mjs";

/** A connected client. */
class OfficialClient {
  #client;
  #provider;

  constructor(client, exchanges, provider) {
    this.#client = client;
    this.#provider = provider;
    /** What went over the wire. */
    this.exchanges = exchanges;
  }

  /** The access token that it holds. */
  get token() {
    const token = this.#provider.tokens()?.access_token;
    if (token === undefined) throw new Unexpected("the client holds no token");
    return token;
  }

  /** The names of the tools that the server lists. */
  async tools() {
    return (await this.#client.listTools()).tools.map(({ name }) => name);
  }

  /** The text that a tool answers. */
  async call(tool, args) {
    const { content } = await this.#client.callTool({ name: tool, arguments: args });
    return content.map(({ text }) => text).join("");
  }

  /** Calls a tool, which must be refused. */
  async refusedCall(tool, args) {
    try {
      await this.call(tool, args);
    } catch {
      return;
    }
    throw new Unexpected(`the tool ${tool} was called`);
  }
}

/** A client that gets its tokens itself, as the challenges of the server tell it. */
export async function authenticating(url, issuer, clientId, clientSecret, use) {
  const authProvider = new ClientCredentialsProvider({ clientId, clientSecret, expectedIssuer: issuer });
  const exchanges = new Exchanges();
  const { client, transport } = make(url, { authProvider, fetch: exchanges.fetch });
  await client.connect(transport);
  try {
    await use(new OfficialClient(client, exchanges, authProvider));
  } finally {
    await client.close();
  }
}

/** A client that presents this token and gets no other. Its first request must be refused. */
export async function presenting(url, token, use) {
  const exchanges = new Exchanges();
  const requestInit = { headers: { Authorization: `Bearer ${token}` } };
  const { client, transport } = make(url, { requestInit, fetch: exchanges.fetch });
  const connected = await client.connect(transport).then(
    () => true,
    () => false,
  );
  if (connected) throw new Unexpected("the client was let in");
  await use({ refusal: (expected) => exchanges.take(expected)[0] });
}

function make(url, options) {
  return {
    client: new Client({ name: "demo", version: "1.0.0" }, { versionNegotiation: { mode: { pin: "2026-07-28" } } }),
    transport: new StreamableHTTPClientTransport(new URL(url), options),
  };
}
