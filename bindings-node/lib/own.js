"use strict";

/**
 * A copy with the object's own members alone. What another part of the program puts on `Object.prototype`, as a
 * careless merge of JSON does, decides nothing here.
 * @template {object} T
 * @param {T | undefined} object
 * @returns {T}
 */
function own(object) {
  return Object.assign(Object.create(null), object);
}

module.exports = { own };
