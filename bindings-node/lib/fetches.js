"use strict";

// Who runs a fetch of keys: a thread of ours, or Node's pool where nothing may run in the background.

const { setTimeout } = require("node:timers");
const { Flights } = require("./flights.js");

/**
 * @typedef {import("./native-module.js").Handle<"server">} Server
 * @typedef {import("./native-module.js").Handle<"keys">} Keys
 * @typedef {import("./native-module.js").Handle<"errand">} Errand
 * @typedef {import("./native-module.js").NativeKeys} NativeKeys
 */

/** How often a thread of ours is asked whether it has ended, in milliseconds. */
const INTERVAL = 5;

class Fetches {
  #native;
  #server;
  #inBackground;
  #flights = new Flights();

  /**
   * @param {typeof import("./native-module.js")} native
   * @param {Server} server
   * @param {boolean} inBackground whether threads of ours may run
   */
  constructor(native, server, inBackground) {
    this.#native = native;
    this.#server = server;
    this.#inBackground = inBackground;
  }

  /**
   * Resolves when the keys were fetched, whatever came of it, or after the longest wait.
   * @param {NativeKeys} wanted
   */
  wait({ handle, source, longestWait }) {
    return this.#flights.join(source, longestWait, () => this.#refresh(handle));
  }

  /**
   * Starts to fetch the keys, which nobody waits for.
   * @param {NativeKeys} wanted
   */
  start({ handle, source }) {
    if (this.#inBackground) this.#native.startRefresh(this.#server, handle);
    else this.#flights.start(source, () => this.#refresh(handle));
  }

  /** Fetches the keys of every issuer. Resolves with those that failed. */
  async warmUp() {
    if (!this.#inBackground) return this.#native.warmUp(this.#server);
    return this.#ended(this.#native.warmUpErrand(this.#server));
  }

  /** @param {Keys} handle */
  async #refresh(handle) {
    if (!this.#inBackground) return this.#native.refresh(this.#server, handle);
    // Those who wait have timers of their own; without one nothing keeps the process.
    return this.#ended(this.#native.refreshErrand(this.#server, handle), (timer) => timer.unref());
  }

  /**
   * @param {Errand} errand
   * @param {(timer: NodeJS.Timeout) => void} [made]
   */
  async #ended(errand, made = () => undefined) {
    for (;;) {
      const failed = this.#native.errandResult(errand);
      if (failed !== null) return failed;
      await new Promise((resolve) => made(setTimeout(resolve, INTERVAL)));
    }
  }
}

module.exports = { Fetches };
