// What went over the wire, recorded below the official client, and what is expected there.

import { isDeepStrictEqual } from "node:util";

/** Something went otherwise than it should. */
export class Unexpected extends Error {}

/** The requests of a client with their responses, in the order of the responses. */
export class Exchanges {
  #recorded = [];

  /** A `fetch` that records. */
  fetch = async (url, init = {}) => {
    const response = await fetch(url, init);
    const text = await response.clone().text();
    this.#recorded.push({
      method: init.method ?? "GET",
      path: new URL(url).pathname,
      sent: new Headers(init.headers),
      status: response.status,
      statusText: response.statusText,
      headers: response.headers,
      json: () => JSON.parse(text),
    });
    return response;
  };

  /** The exchanges since the last call, which must be these, such as `"POST /mcp tools/call 401"`. */
  take(...expected) {
    const recorded = this.#recorded;
    this.#recorded = [];
    expect("the exchanges", recorded.map(summary), expected);
    return recorded;
  }
}

/** Throws `Unexpected` unless both are equal. */
export function expect(what, found, expected) {
  if (isDeepStrictEqual(found, expected)) return;
  throw new Unexpected(`${what}: expected ${JSON.stringify(expected)}, found ${JSON.stringify(found)}`);
}

/** Throws `Unexpected` unless the exchange has exactly this challenge, and what else every refusal has. */
export function expectRefusal({ headers }, challenge) {
  const found = ["content-type", "cache-control", "www-authenticate"].map((name) => headers.get(name));
  expect("the header fields", found, ["application/json", "no-store", challenge ?? null]);
}

function summary({ method, path, sent, status }) {
  return [method, path, sent.get("mcp-method"), status].filter((part) => part !== null).join(" ");
}
