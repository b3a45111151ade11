// The two servers of the demo, on free ports of 127.0.0.1.

import { spawn } from "node:child_process";
import { once } from "node:events";
import net from "node:net";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { startAuthorizationServer } from "./authorization-server.mjs";
import { Unexpected } from "./exchanges.mjs";

export const WEATHER = "mcp:tools:weather";
export const EMAIL = "mcp:tools:email:send";

/** How long a server may take to start, and a line to come. */
const SECONDS = 20;

/** An MCP server, and the authorization server that it trusts. */
class Stage {
  #origin;
  #port;
  #child;
  #log = [];
  #seen = 0;

  constructor(authorizationServer, port) {
    this.authorizationServer = authorizationServer;
    this.#port = port;
    this.#origin = `http://127.0.0.1:${port}`;
  }

  /** The URL of the MCP server. */
  get resource() {
    return `${this.#origin}/mcp`;
  }

  /** Where its protected resource metadata is. */
  get metadataUrl() {
    return `${this.#origin}/.well-known/oauth-protected-resource/mcp`;
  }

  /** The issuer of its tokens. */
  get issuer() {
    return this.authorizationServer.issuers.weather;
  }

  async startMcpServer() {
    const { weather, calendar } = this.authorizationServer.issuers;
    const env = {
      ...process.env,
      RESOURCE: this.resource,
      ISSUER: weather,
      OTHER_ISSUER: calendar,
      PORT: String(this.#port),
      NODE_DEBUG: "scopegate",
    };
    const program = fileURLToPath(new URL("server.mjs", import.meta.url));
    this.#child = spawn(process.execPath, [program], { env, stdio: ["pipe", "pipe", "pipe"] });
    for (const output of [this.#child.stdout, this.#child.stderr]) {
      createInterface({ input: output }).on("line", (line) => this.#log.push(line));
    }
    await this.#line("listening");
  }

  async stopMcpServer() {
    const ended = once(this.#child, "exit");
    this.#child.stdin.end();
    await ended;
  }

  /** Stops it, and starts one that holds no keys. */
  async restartMcpServer() {
    await this.stopMcpServer();
    await this.startMcpServer();
  }

  /** The next refusal in the log of the MCP server, with the reason that no client is told. */
  async nextRefusal() {
    const line = await this.#line("refused with ");
    return line.slice(line.indexOf("refused with "));
  }

  /** The last lines of the log of the MCP server. */
  logEnd() {
    return this.#log.slice(-20);
  }

  async #line(part) {
    const deadline = performance.now() + SECONDS * 1000;
    while (performance.now() < deadline) {
      const index = this.#log.findIndex((line, at) => at >= this.#seen && line.includes(part));
      if (index >= 0) {
        this.#seen = index + 1;
        return this.#log[index];
      }
      if (this.#child.exitCode !== null) break;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    throw new Unexpected(`the MCP server did not write ${JSON.stringify(part)}`);
  }
}

/** Runs `use` with both servers. */
export async function staged(use) {
  const [port, otherPort] = [await freePort(), await freePort()];
  const resource = (id, name, at, scopes) => ({ id, name, resource: `http://127.0.0.1:${at}/mcp`, scopes });
  const authorizationServer = await startAuthorizationServer(
    [resource("weather", "Weather", port, [WEATHER, EMAIL]), resource("calendar", "Calendar", otherPort, [])],
    {
      assistant: [
        { resource: "weather", scopes: [WEATHER, EMAIL] },
        { resource: "calendar", scopes: [] },
      ],
      reader: [{ resource: "weather", scopes: [WEATHER] }],
    },
  );
  const stage = new Stage(authorizationServer, port);
  try {
    await stage.startMcpServer();
    return await use(stage);
  } finally {
    await stage.stopMcpServer();
    await authorizationServer.stop();
  }
}

async function freePort() {
  const server = net.createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}
