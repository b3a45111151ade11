"use strict";

const { TokenReader, isAccessToken, keptOf } = require("./access-token.js");
const { toJson } = require("./configuration.js");
const { ConfigError, Rejected } = require("./errors.js");
const { Explanation } = require("./explanation.js");
const { Fetches } = require("./fetches.js");
const { HttpResponse } = require("./http-response.js");
const { done, jwksText, text } = require("./key-control.js");
const { Layout } = require("./layout.js");
const { logLimited, logRefusal } = require("./log.js");
const { own } = require("./own.js");
const { bytes, prepare } = require("./request.js");
const { VerifiedTokens } = require("./verified-tokens.js");

/**
 * @typedef {import("../index.js").RequestDetails} RequestDetails
 * @typedef {import("../index.js").ResourceServerOptions} Options
 * @typedef {import("../index.js").AccessToken} AccessToken
 * @typedef {import("./native-module.js").NativeOutcome} NativeOutcome
 * @typedef {import("./native-module.js").NativeRefusal} NativeRefusal
 * @typedef {import("./native-module.js").NativeKeys} NativeKeys
 * @typedef {ReturnType<typeof prepare>} Prepared
 */

/** For the adapters: what a server says that its users need not know. */
const adapterSide = Symbol("adapter side");

/**
 * The class over this native module. A test passes one that can be told to panic.
 * @param {typeof import("./native-module.js")} native
 */
function resourceServerOver(native) {
  /** An OAuth 2.1 resource server. */
  class ResourceServer {
    #server;
    /** @type {ReturnType<typeof native.checksOf>} */
    #checked;
    #description;
    #onRefusal;
    #fetches;
    #layout = new Layout((bytes) => native.layOutIn(this.#server, bytes));
    #reader = new TokenReader();
    #verified = new VerifiedTokens();
    #adapterSide;

    /**
     * @param {import("../index.js").Configuration | JsonText | Made} configuration
     * @param {Options} [options]
     */
    constructor(configuration, options) {
      const { onRefusal } = own(options);
      if (onRefusal !== undefined && typeof onRefusal !== "function") {
        throw new TypeError("onRefusal: expected a function");
      }
      const server = configuration instanceof Made ? configuration.server : ResourceServer.#open(configuration);
      this.#server = native.serve(server, this.#layout.bytes, this.#reader.bytes);
      this.#checked = native.checksOf(this.#server);
      this.#description = native.describe(this.#server);
      this.#fetches = new Fetches(native, this.#server, this.#description.backgroundRefresh);
      this.#onRefusal = onRefusal;
      this.#adapterSide = this.#sideOfAdapters();
      for (const warning of this.#description.warnings) logLimited("configuration", `configuration: ${warning}`);
    }

    /** @param {import("../index.js").Configuration | JsonText} configuration */
    static #open(configuration) {
      const json = configuration instanceof JsonText ? configuration.text : toJson(configuration);
      return made(own(native.open(json)));
    }

    /**
     * @param {string} text
     * @param {Options} [options]
     */
    static fromJson(text, options) {
      if (typeof text !== "string") throw new TypeError("expected the configuration as JSON text");
      return new ResourceServer(new JsonText(text), options);
    }

    /**
     * @param {Partial<import("../index.js").Configuration>} [overrides]
     * @param {Options} [options]
     */
    static fromEnv(overrides = {}, options) {
      const members = toJson(overrides);
      const names = native.environment().filter((name) => process.env[name] !== undefined);
      const values = names.map((name) => process.env[name] ?? "");
      return new ResourceServer(new Made(made(own(native.fromVariables(names, values, members)))), options);
    }

    /** @param {import("../index.js").ConfigurationChanges} changes */
    derive(changes) {
      const text = toJson(changes);
      return this.#beside(made(own(this.#guard(prepare({}), () => native.derive(this.#server, text)))));
    }

    /** @param {readonly import("../index.js").Offered[]} offered */
    declare(offered) {
      if (!Array.isArray(offered)) throw new TypeError("offered: expected a list");
      const list = toJson(offered);
      const declared = own(this.#guard(prepare({}), () => native.declare(this.#server, list)));
      const gate = this.#beside(made(declared));
      return { gate, report: JSON.parse(declared.report ?? "") };
    }

    /** @param {RequestDetails} [details] */
    async authorize(details = {}) {
      return this.#decide(prepare(details));
    }

    /** @param {RequestDetails} [details] */
    check(details = {}) {
      const request = prepareAtOnce(details);
      const decided = this.#check(request);
      if (isAccessToken(decided) || decided.keys === undefined) return this.#token(request, decided);
      const { keys } = decided;
      this.#guard(request, () => this.#fetches.start(keys));
      return this.#token(request, this.#checkAfter(request, keys));
    }

    /**
     * @param {AccessToken} token
     * @param {RequestDetails} [details]
     */
    require(token, details = {}) {
      const request = prepareAtOnce(details);
      const kept = keptOf(token);
      const refusal = this.#guard(request, () =>
        native.require(this.#server, this.#layout.writeWith(request, kept), request.body, request.calls),
      );
      if (refusal) throw this.#refused(new Rejected(refusal));
    }

    /** @param {RequestDetails} [details] */
    explain(details = {}) {
      const request = prepareAtOnce(details);
      const explained = this.#guard(request, () =>
        native.explain(this.#server, this.#layout.write(request), request.body, request.calls),
      );
      return new Explanation(explained);
    }

    /**
     * @param {AccessToken} token
     * @param {"tools" | "prompts" | "resources"} kind
     * @param {string} name
     */
    allowed(token, kind, name) {
      const kept = keptOf(token);
      if (!["tools", "prompts", "resources"].includes(kind)) {
        throw new TypeError('kind: expected "tools", "prompts" or "resources"');
      }
      if (typeof name !== "string") throw new TypeError("name: expected a string");
      const request = prepare({});
      return this.#guard(request, () =>
        native.allowed(this.#server, this.#layout.writeWith(request, kept), kind, name),
      );
    }

    /**
     * @param {string} method
     * @param {string} target
     * @param {RequestDetails["origin"]} [origin]
     * @param {Pick<RequestDetails, "accessControlRequestMethod" | "accessControlRequestHeaders">} [preflight]
     */
    wellKnown(method, target, origin, { accessControlRequestMethod, accessControlRequestHeaders } = {}) {
      const details = { method, target, origin, accessControlRequestMethod, accessControlRequestHeaders };
      const request = prepare(details);
      try {
        const response = native.wellKnown(this.#server, this.#layout.write(request));
        return response ? new HttpResponse(response) : undefined;
      } catch (error) {
        throw this.#caught(request, error);
      }
    }

    async warmUp() {
      const failed = await this.#fetches.warmUp();
      if (failed.length === 0) return;
      const errors = failed.map(({ path, message }) => new Error(`${path}: ${message}`));
      throw new AggregateError(errors, `no keys: ${errors.map((error) => error.message).join("; ")}`);
    }

    /**
     * @param {string} issuer
     * @param {string} kid
     */
    distrustKey(issuer, kid) {
      const name = text("issuer", issuer);
      const key = text("kid", kid);
      done(this.#guard(prepare({}), () => native.distrustKey(this.#server, name, key)));
    }

    /**
     * @param {string} issuer
     * @param {string | { readonly keys: readonly unknown[] }} jwks
     */
    replaceKeys(issuer, jwks) {
      const name = text("issuer", issuer);
      const keys = jwksText(jwks);
      done(this.#guard(prepare({}), () => native.replaceKeys(this.#server, name, keys)));
    }

    /** @param {string} issuer */
    resume(issuer) {
      const name = text("issuer", issuer);
      done(this.#guard(prepare({}), () => native.resume(this.#server, name)));
    }

    exportKeys() {
      return JSON.parse(this.#guard(prepare({}), () => native.exportKeys(this.#server)));
    }

    stats() {
      return JSON.parse(this.#guard(prepare({}), () => native.stats(this.#server)));
    }

    metrics() {
      return this.#guard(prepare({}), () => native.metrics(this.#server));
    }

    drainEvents() {
      const lines = this.#guard(prepare({}), () => native.drainEvents(this.#server));
      return lines.split("\n").flatMap((line) => (line === "" ? [] : [JSON.parse(line)]));
    }

    /**
     * @param {(event: import("../index.js").AuditEvent) => void} listener
     * @param {{ interval?: number }} [options]
     */
    onEvent(listener, { interval = 1000 } = {}) {
      if (typeof listener !== "function") throw new TypeError("listener: expected a function");
      if (!(interval > 0)) throw new RangeError("interval: expected a positive number of milliseconds");
      const drain = () => callForEach(this.drainEvents(), listener);
      const timer = setInterval(drain, interval).unref();
      return () => {
        clearInterval(timer);
        drain();
      };
    }

    health() {
      return JSON.parse(this.#guard(prepare({}), () => native.health(this.#server)));
    }

    get metadataUrl() {
      return this.#description.metadataUrl;
    }

    get resource() {
      return this.#description.resource;
    }

    get hostname() {
      return this.#description.hostname;
    }

    get origin() {
      return this.#description.origin;
    }

    get path() {
      return this.#description.path;
    }

    get [adapterSide]() {
      return this.#adapterSide;
    }

    #sideOfAdapters() {
      return {
        hasPolicy: this.#description.hasPolicy,
        leewaySeconds: this.#description.leewaySeconds,
        bodyLimit: this.#description.bodyLimit,
        /** @param {import("./request.js").Described} details */
        authorize: (details) => this.#decide(prepare(details)),
        /** @param {string} target */
        notFound: (target) => {
          try {
            const response = native.notFound(this.#server, target);
            return response ? new HttpResponse(response) : undefined;
          } catch (error) {
            throw this.#caught(prepare({}), error);
          }
        },
        /** @param {string} method */
        healthResponse: (method) => {
          const response = this.#guard(prepare({}), () => native.healthResponse(this.#server, method));
          return response ? new HttpResponse(response) : undefined;
        },
        /** @param {string} method */
        metricsResponse: (method) => {
          const response = this.#guard(prepare({}), () => native.metricsResponse(this.#server, method));
          return response ? new HttpResponse(response) : undefined;
        },
        /**
         * @param {string} detail
         * @param {RequestDetails} [details]
         */
        internalError: (detail, details = {}) => this.#fault(prepare(details), detail),
        /** @param {RequestDetails} details */
        calls: (details) => {
          const request = prepareAtOnce(details);
          const { json, refusal } = this.#guard(request, () =>
            own(native.calls(this.#server, this.#layout.write(request), request.body)),
          );
          if (json === undefined) throw this.#refused(new Rejected(/** @type {NativeRefusal} */ (refusal)));
          return JSON.parse(json);
        },
      };
    }

    /**
     * The class of the server that was made from this one.
     * @param {Made["server"]} server
     */
    #beside(server) {
      return new ResourceServer(new Made(server), { onRefusal: this.#onRefusal });
    }

    /**
     * The accepted token, or what came in its place.
     * @param {Prepared} request
     */
    #check(request) {
      try {
        const { body, calls } = request;
        const length = this.#layout.write(request);
        const without = body === undefined && calls === undefined;
        return this.#judged(without ? this.#checked(length) : native.checkCall(this.#server, length, body, calls));
      } catch (error) {
        throw this.#caught(request, error);
      }
    }

    /**
     * @param {Prepared} request
     * @param {NativeKeys} keys
     */
    #checkAfter(request, { handle }) {
      return this.#guard(request, () =>
        this.#judged(native.checkAfter(this.#server, this.#layout.write(request), request.body, request.calls, handle)),
      );
    }

    /**
     * At once, since the native module knows no other token than the one that it accepted last. An object is remembered from
     * its second coming on: most tokens of those that come once do not come again.
     * @param {string | number | NativeOutcome} outcome
     * @returns {AccessToken | NativeOutcome}
     */
    #judged(outcome) {
      if (typeof outcome === "number") return this.#verified.find(outcome) ?? this.#remembered(outcome);
      return typeof outcome === "string" ? this.#reader.read(outcome) : own(outcome);
    }

    /** @param {number} verification of the token that was accepted last */
    #remembered(verification) {
      const token = this.#reader.read(native.accepted(this.#server, verification));
      this.#verified.remember(verification, token);
      return token;
    }

    /**
     * The accepted token, at once where neither keys nor the body have to be waited for.
     * @param {Prepared} request
     * @returns {AccessToken | Promise<AccessToken>}
     */
    #decide(request) {
      const decided = this.#check(request);
      if (isAccessToken(decided)) return decided;
      if (decided.keys === undefined) return this.#withBody(request, decided);
      return this.#afterFetch(request, decided.keys).then((again) => this.#withBody(request, again));
    }

    /**
     * The same, where the body may be missing.
     * @param {Prepared} request
     * @param {AccessToken | NativeOutcome} decided
     * @returns {AccessToken | Promise<AccessToken>}
     */
    #withBody(request, decided) {
      const { readBody } = request;
      if (isAccessToken(decided) || decided.bodyLimit === undefined || readBody === undefined) {
        return this.#token(request, decided);
      }
      /** @param {unknown} body */
      const decide = (body) => {
        request.body = bytes(body);
        request.readBody = undefined;
        return this.#decide(request);
      };
      const body = readBody(decided.bodyLimit);
      return typeof body === "string" || body instanceof Uint8Array ? decide(body) : Promise.resolve(body).then(decide);
    }

    /**
     * @param {Prepared} request
     * @param {NativeKeys} keys
     */
    async #afterFetch(request, keys) {
      try {
        await this.#fetches.wait(keys);
      } catch (error) {
        throw this.#caught(request, error);
      }
      return this.#checkAfter(request, keys);
    }

    /**
     * @param {Prepared} request
     * @param {AccessToken | NativeOutcome} decided
     * @returns {AccessToken}
     */
    #token(request, decided) {
      if (isAccessToken(decided)) return decided;
      if (decided.refusal !== undefined) throw this.#refused(new Rejected(decided.refusal));
      throw this.#fault(request, "expected the body, which decides: pass body or calls");
    }

    /**
     * Runs native code; what it throws is a fault of ours, a caught panic: a refusal like any other.
     * @template T
     * @param {Prepared} request
     * @param {() => T} work
     * @returns {T}
     */
    #guard(request, work) {
      try {
        return work();
      } catch (error) {
        throw this.#caught(request, error);
      }
    }

    /**
     * @param {Prepared} request
     * @param {unknown} error
     */
    #caught(request, error) {
      return this.#fault(request, error instanceof Error ? error.message : "an unknown error");
    }

    /**
     * The refusal for a fault of ours or of the calling program.
     * @param {Prepared} request
     * @param {string} detail
     */
    #fault(request, detail) {
      return this.#refused(new Rejected(native.internalError(this.#server, this.#layout.write(request), detail)));
    }

    /** @param {import("../index.js").Rejected} refusal */
    #refused(refusal) {
      logRefusal(refusal);
      try {
        this.#onRefusal?.(refusal);
      } catch (error) {
        logLimited("onRefusal", `onRefusal threw: ${error instanceof Error ? error.message : "no Error"}`);
      }
      return refusal;
    }
  }
  return ResourceServer;
}

/**
 * What the listener throws is thrown once it was called for all of them.
 * @template T
 * @param {readonly T[]} events
 * @param {(event: T) => void} listener
 */
function callForEach(events, listener) {
  const thrown = events.flatMap((event) => {
    try {
      listener(event);
      return [];
    } catch (error) {
      return [error];
    }
  });
  if (thrown.length > 1) throw new AggregateError(thrown, `the listener threw for ${thrown.length} events`);
  if (thrown.length === 1) throw thrown[0];
}

/**
 * For calls that do not wait, not for a body either.
 * @param {RequestDetails} details
 */
function prepareAtOnce(details) {
  if (typeof details?.body === "function") throw new TypeError("body: expected the bytes, this call does not wait");
  return prepare(details);
}

/** A configuration that is JSON text already. */
class JsonText {
  /** @param {string} text */
  constructor(text) {
    this.text = text;
  }
}

/**
 * The server, unless the core found mistakes.
 * @param {{ server?: Made["server"], mistakes: import("./native-module.js").NativeMistake[] }} result
 */
function made({ server, mistakes }) {
  if (server === undefined) throw new ConfigError(mistakes);
  return server;
}

/** A server of the native module. */
class Made {
  /** @param {import("./native-module.js").Handle<"made">} server */
  constructor(server) {
    this.server = server;
  }
}

module.exports = { adapterSide, resourceServerOver };
