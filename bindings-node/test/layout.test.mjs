// A request in one piece of memory, which the next one takes the place of.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";

const require = createRequire(import.meta.url);
const { Layout } = require("../lib/layout.js");
const { prepare } = require("../lib/request.js");

const POST = { method: "POST", target: "/mcp", authorization: "Bearer a" };
const REQUESTS = [
  POST,
  { ...POST, authorization: "Bearer another" },
  { method: "POST", target: "/mc" },
  { method: "GET", target: "/mcp" },
  { target: "/mcp" },
  { method: "POST" },
  {},
  { ...POST, now: 1 },
  { ...POST, target: `/${"é".repeat(5000)}` },
];

/** What a layout of its own holds. */
function alone(request) {
  return written(new Layout(() => undefined), request);
}

function written(layout, request) {
  const length = layout.write(prepare(request));
  return layout.bytes.subarray(0, length).toString("latin1");
}

test("a request is laid out as if there had been none before it", () => {
  for (const first of REQUESTS) {
    for (const second of REQUESTS) {
      const layout = new Layout(() => undefined);
      assert.equal(written(layout, first), alone(first));
      assert.equal(written(layout, second), alone(second));
      assert.equal(written(layout, first), alone(first));
    }
  }
});

test("a request that there was no room for leaves nothing to the next", (context) => {
  const layout = new Layout(() => undefined);
  assert.equal(written(layout, POST), alone(POST));
  const { mock } = context.mock.method(Buffer, "alloc", () => {
    throw new RangeError("no memory");
  });
  assert.throws(() => written(layout, { method: "GET", target: "x".repeat(10_000) }), RangeError);
  mock.restore();
  assert.equal(written(layout, POST), alone(POST));
});
