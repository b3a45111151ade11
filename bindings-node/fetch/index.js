"use strict";

const { guard } = require("../lib/adapter.js");
const { accessToken } = require("../lib/auth-info.js");
const { SESSION_HEADER, exchangeOf, nobody, readBody, respond, withBody } = require("../lib/web.js");

/**
 * @param {import("../types/auth-info.js").Gate} gate
 * @param {import("./index.js").Handler} handler
 * @param {import("../types/auth-info.js").AdapterOptions} [options]
 * @returns {(request: Request) => Promise<Response>}
 */
function protect(gate, handler, options) {
  const judge = guard(gate, options);
  const handle = typeof handler === "function" ? handler : handler.fetch.bind(handler);
  return async (request) => {
    let passed = request;
    const { pathname } = new URL(request.url);
    const verdict = await judge(
      exchangeOf(request, pathname, async (limit) => {
        const body = await readBody(request, limit);
        passed = withBody(request, body);
        return body;
      }),
    );
    if ("answer" in verdict) return respond(verdict.answer);
    if ("gone" in verdict) return nobody();
    const response = await handle(passed, verdict.auth === undefined ? {} : { authInfo: verdict.auth });
    verdict.opened(response.headers.get(SESSION_HEADER));
    return response;
  };
}

module.exports = { accessToken, protect };
