// Raw HTTP on loopback: what clients normalise, tests must send and see as it is.

import { once } from "node:events";
import http from "node:http";
import net from "node:net";

/** One request that closes the connection; `lines` are header lines, sent in this order. */
export function httpRequest(method, target, lines = [], body = undefined, host = "mcp.test") {
  const head = [`${method} ${target} HTTP/1.1`, `Host: ${host}`, "Connection: close", ...lines];
  if (body !== undefined) head.push(`Content-Length: ${Buffer.byteLength(body)}`);
  return Buffer.concat([Buffer.from([...head, "", ""].join("\r\n"), "latin1"), Buffer.from(body ?? "")]);
}

/** Sends these bytes and reads to the end of the connection. */
export async function exchange(port, ...request) {
  const socket = net.connect(port, "127.0.0.1");
  socket.setTimeout(20_000, () => socket.destroy(new Error("no answer within 20 s")));
  for (const bytes of request) socket.write(bytes);
  return parse(await readAll(socket));
}

/** Sends bytes, and reads until `enough` says so of what was received; the socket stays open. */
export async function converse(port, request, enough) {
  const socket = net.connect(port, "127.0.0.1");
  socket.setTimeout(20_000, () => socket.destroy(new Error("no answer within 20 s")));
  socket.write(request);
  let received = "";
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
    received += chunk.toString("latin1");
    if (enough(received)) break;
  }
  return { socket, received };
}

async function readAll(socket) {
  const chunks = [];
  for await (const chunk of socket) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** A response: header names in lower case, in the order they came. */
export function parse(response) {
  const text = response.toString("latin1");
  const end = text.indexOf("\r\n\r\n");
  const [statusLine, ...lines] = text.slice(0, end).split("\r\n");
  const headers = lines.map((line) => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
  });
  const rest = response.subarray(end + 4);
  const chunked = headers.some(([name, value]) => name === "transfer-encoding" && value === "chunked");
  const body = (chunked ? unchunked(rest) : rest).toString("utf8");
  const header = (wanted) => headers.find(([name]) => name === wanted)?.[1];
  return { status: Number(statusLine?.split(" ")[1]), headers, header, body, decided: decided(headers) };
}

/** The header fields without those that HTTP servers and frameworks add. */
function decided(headers) {
  const added = new Set(["date", "connection", "keep-alive", "x-powered-by", "content-length", "transfer-encoding"]);
  return headers.filter(([name]) => !added.has(name));
}

function unchunked(body) {
  const pieces = [];
  while (body.length > 0) {
    const line = body.indexOf("\r\n");
    const size = parseInt(body.subarray(0, line).toString("latin1"), 16);
    pieces.push(body.subarray(line + 2, line + 2 + size));
    body = body.subarray(line + 2 + size + 2);
  }
  return Buffer.concat(pieces);
}

/** Starts a server on a free port of 127.0.0.1, and stops it when the test ends. */
export async function listen(context, server, port = 0) {
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  context.after(async () => {
    server.closeAllConnections?.();
    await new Promise((resolve) => server.close(resolve));
  });
  return server.address().port;
}

/** A port that was free a moment ago. */
export async function freePort() {
  const server = net.createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** An authorization server that publishes documents, and counts who asks. `hang` never answers. */
export async function keyServer(context, keySet, { hang = false } = {}) {
  const served = { documents: { "/jwks": keySet }, requests: [], connections: 0, delay: 0 };
  const server = http.createServer((request, response) => {
    served.requests.push(request.url);
    if (hang) return;
    const document = served.documents[request.url];
    setTimeout(() => {
      response.writeHead(document === undefined ? 404 : 200, { "Content-Type": "application/json" });
      response.end(document === undefined ? "{}" : JSON.stringify(document));
    }, served.delay);
  });
  server.on("connection", () => (served.connections += 1));
  served.port = await listen(context, server);
  served.url = `http://127.0.0.1:${served.port}`;
  served.jwksUri = `${served.url}/jwks`;
  return served;
}
