// Plays the shared exchanges; tests/exchanges/README.md says what their members mean.

import { readFileSync, readdirSync } from "node:fs";
import http from "node:http";
import net from "node:net";
import { ResourceServer } from "scopegate";
import { Issuer } from "scopegate/testing";
import { listen, parse } from "./http.mjs";

const folder = new URL("../../../tests/exchanges/", import.meta.url);

export function suites() {
  const files = readdirSync(folder).filter((name) => name.endsWith(".json"));
  return files.sort().map((name) => JSON.parse(readFileSync(new URL(name, folder), "utf8")));
}

/** Plays a suite on a host, which `make` builds from a gate and a list that its tools write to: one row for each case. */
export async function play(context, { config, authorization_server_metadata, tokens, cases }, host, make) {
  const issuer = new Issuer({ resource: config.resource });
  const metadata = await metadataServed(context, authorization_server_metadata);
  const gate = new ResourceServer({ ...config, authorization_servers: [{ ...issuer.server(), ...metadata }] });
  if (metadata !== undefined) await gate.warmUp();
  const minted = Object.entries(tokens).map(([name, claims]) => [`{${name}}`, issuer.mint(claims)]);
  const ran = [];
  const port = await listen(context, make(gate, ran));
  const rows = [];
  for (const one of cases) {
    const { answers, ran: expected } = { ...one, ...one.hosts?.[host] };
    const leaves = one.leaves === true || answers.some(({ closed }) => closed);
    ran.length = 0;
    const found = await exchanged(port, one, leaves, Object.fromEntries(minted));
    rows.push({ id: one.id, answers, found, expected, ran: [...ran] });
  }
  return rows;
}

/** The members of an authorization server with this metadata, which is served while the test runs. */
async function metadataServed(context, document) {
  if (document === undefined) return undefined;
  const port = await listen(
    context,
    http.createServer((_, response) => response.end(document)),
  );
  return { discovery_url: `http://127.0.0.1:${port}/metadata`, metadata_issuer: JSON.parse(document).issuer };
}

/** What differs in a row from what is told, or undefined. */
export function differenceIn({ id, answers, found, expected, ran }) {
  const wrong = found.length !== answers.length || answers.some((answer, index) => !isTold(answer, found[index]));
  if (!wrong && JSON.stringify(ran) === JSON.stringify(expected)) return undefined;
  const told = JSON.stringify([answers, expected]);
  return `${id}: expected ${told}\n  found ${JSON.stringify([found, ran])}`;
}

function isTold({ passes, closed, ...told }, found) {
  if (closed || found.closed) return closed === found.closed;
  if (passes) return found.status >= 200 && found.challenge === null;
  const { fields = {}, ...members } = told;
  const hasFields = Object.entries(fields).every(([name, value]) => found.fields[name] === value);
  return hasFields && Object.entries(members).every(([name, value]) => found[name] === value);
}

/** Sends the requests, each on a connection of its own or all in one write on one, and gives what came back. */
async function exchanged(port, { requests, one_connection: isOne }, leaves, replacements) {
  const found = [];
  for (const together of isOne ? [requests] : requests.map((request) => [request])) {
    const answers = await converse(port, together, leaves, replacements);
    const [{ session }] = answers;
    if (session !== undefined) replacements["{session}"] = session;
    found.push(...answers);
  }
  return found.map(({ session: _, ...answer }) => answer);
}

async function converse(port, requests, leaves, replacements) {
  const socket = net.connect(port, "127.0.0.1");
  socket.setTimeout(10_000, () => socket.destroy(new Error("no answer within 10 s")));
  socket.write(Buffer.concat(requests.map((request) => bytesOf(request, replacements))));
  if (leaves) socket.end();
  const methods = requests.map(({ request_line: line }) => line.split(" ")[0]);
  let received = Buffer.alloc(0);
  let found = [];
  try {
    for await (const chunk of socket) {
      received = Buffer.concat([received, chunk]);
      found = answersIn(received, methods, false);
      if (found.length < requests.length) continue;
      if (found.at(-1).isStream || found.at(-1).status === 101) break;
      socket.end(); // a server that took something for one request more answers it before it leaves
    }
  } catch (error) {
    if (error.code !== "ECONNRESET") throw error;
  }
  socket.destroy();
  found = answersIn(received, methods, true).map(({ isStream: _, ...answer }) => answer);
  return [...found, ...requests.slice(found.length).map(() => ({ closed: true }))];
}

function bytesOf({ request_line: line, field_lines: lines, body = "", ...bodies }, replacements) {
  let head = [line, ...lines, "", ""].join("\r\n");
  for (const [name, value] of Object.entries(replacements)) head = head.replaceAll(name, value);
  const { body_base64: base64, body_repeated: pieces } = bodies;
  if (base64 !== undefined) return Buffer.concat([Buffer.from(head, "latin1"), Buffer.from(base64, "base64")]);
  const text = pieces === undefined ? body : pieces.map(([piece, times]) => piece.repeat(times)).join("");
  return Buffer.concat([Buffer.from(head, "latin1"), Buffer.from(text)]);
}

/** What exchanges tell of, beside the challenge. */
const FIELDS = ["Content-Type", "Cache-Control", "Retry-After"];

/** The answers that are whole; all of them, once the connection has ended. */
function answersIn(received, methods, hasEnded) {
  const found = [];
  let rest = received;
  while (rest.length > 0) {
    const head = rest.indexOf("\r\n\r\n") + 4;
    if (head < 4) break;
    const { status, header } = parse(rest.subarray(0, head));
    if (status < 200 && status !== 101) {
      rest = rest.subarray(head);
      continue;
    }
    const method = methods[found.length];
    const isStream = method === "GET" && header("content-type")?.startsWith("text/event-stream") === true;
    const length = isStream ? 0 : bodyLength(rest.subarray(head), method, status, header, hasEnded);
    if (length === undefined) break;
    const { body } = parse(rest.subarray(0, head + length));
    const challenge = header("www-authenticate") ?? null;
    const fields = Object.fromEntries(FIELDS.map((name) => [name, header(name.toLowerCase())]));
    found.push({ status, challenge, fields, body: isStream ? "" : body, session: header("mcp-session-id"), isStream });
    rest = rest.subarray(head + length);
  }
  return found;
}

/** How long the body is that these bytes begin with, or undefined where it is not whole. */
function bodyLength(bytes, method, status, header, hasEnded) {
  if (method === "HEAD" || status === 204 || status === 101) return 0;
  if (header("transfer-encoding") === "chunked") {
    const end = bytes.subarray(0, 5).toString() === "0\r\n\r\n" ? 0 : bytes.indexOf("\r\n0\r\n\r\n") + 2;
    return end === 1 ? undefined : end + 5;
  }
  const length = Number(header("content-length") ?? NaN);
  if (Number.isNaN(length)) return hasEnded ? bytes.length : undefined;
  return bytes.length < length ? undefined : length;
}
