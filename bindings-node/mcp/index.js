"use strict";

const { OAuthError, OAuthErrorCode } = require("@modelcontextprotocol/server");
const { accessToken } = require("../lib/auth-info.js");
const { declared } = require("../lib/declared.js");
const { filterLists } = require("../lib/lists.js");
const { tokenVerifierWith } = require("../lib/token-verifier.js");

const TokenVerifier = tokenVerifierWith((description) => new OAuthError(OAuthErrorCode.InvalidToken, description));

module.exports = { TokenVerifier, accessToken, declared, filterLists };
