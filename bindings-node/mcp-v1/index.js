"use strict";

const { InvalidTokenError } = require("@modelcontextprotocol/sdk/server/auth/errors.js");
const { accessToken } = require("../lib/auth-info.js");
const { declared } = require("../lib/declared.js");
const { filterLists } = require("../lib/lists.js");
const { tokenVerifierWith } = require("../lib/token-verifier.js");

const TokenVerifier = tokenVerifierWith((description) => new InvalidTokenError(description));

module.exports = { TokenVerifier, accessToken, declared, filterLists };
