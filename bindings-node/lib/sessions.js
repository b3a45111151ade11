"use strict";

// Who opened which MCP session: the SDKs' session transports do not compare principals, so that another user's token
// would be let into a session whose id leaked.

/**
 * The sessions that one server remembers. The one that its owner left alone for longest is forgotten first, and then
 * belongs to whoever uses it.
 */
const MAX_SESSIONS = 65_536;

class Sessions {
  /** @type {Map<string, string>} */
  #owners = new Map();

  /**
   * Whether one of these session ids is known to be another principal's; if none is, they count as used.
   * @param {readonly string[]} ids
   * @param {string} owner
   */
  areForeign(ids, owner) {
    if (ids.some((id) => (this.#owners.get(id) ?? owner) !== owner)) return true;
    for (const id of ids) if (this.#owners.delete(id)) this.#owners.set(id, owner);
    return false;
  }

  /**
   * Notes the session that the application opened for this principal.
   * @param {unknown} id
   * @param {string} owner
   */
  opened(id, owner) {
    if (typeof id !== "string" || this.#owners.has(id)) return;
    this.#owners.set(id, owner);
    const [oldest] = this.#owners.keys();
    if (this.#owners.size > MAX_SESSIONS && oldest !== undefined) this.#owners.delete(oldest);
  }
}

module.exports = { Sessions };
