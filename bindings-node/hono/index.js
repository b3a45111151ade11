"use strict";

const { bytesOfParsed, guard } = require("../lib/adapter.js");
const { accessToken } = require("../lib/auth-info.js");
const { SESSION_HEADER, exchangeOf, nobody, readBody, respond, withBody } = require("../lib/web.js");

/**
 * What `@hono/node-server` binds; other runtimes bind other things.
 * @typedef {{ incoming?: { rawHeaders?: string[] } }} NodeBindings
 */

/**
 * @param {import("../types/auth-info.js").Gate} gate
 * @param {import("../types/auth-info.js").AdapterOptions} [options]
 * @returns {ReturnType<typeof import("./index.js").scopegate>}
 */
function scopegate(gate, options) {
  const judge = guard(gate, options);
  return async (context, next) => {
    const request = context.req.raw;
    const { incoming } = /** @type {NodeBindings} */ (context.env ?? {});
    const verdict = await judge(
      exchangeOf(request, context.req.path, (limit) => read(context, limit), incoming?.rawHeaders),
    );
    if ("answer" in verdict) return respond(verdict.answer);
    if ("gone" in verdict) return nobody();
    if (verdict.auth !== undefined) context.set("auth", verdict.auth);
    await next();
    verdict.opened(context.res.headers.get(SESSION_HEADER));
    return undefined;
  };
}

/**
 * The body, from the stream or from what an earlier middleware read through the context.
 * @param {import("hono").Context} context
 * @param {number} limit
 */
async function read(context, limit) {
  const request = context.req.raw;
  if (request.bodyUsed) return bytesOfParsed(new Uint8Array(await context.req.arrayBuffer()));
  const body = await readBody(request, limit);
  context.req.raw = withBody(request, body);
  return body;
}

module.exports = { accessToken, scopegate };
