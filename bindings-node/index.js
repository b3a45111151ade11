"use strict";

const { AccessToken } = require("./lib/access-token.js");
const { ConfigError, Rejected } = require("./lib/errors.js");
const { HttpResponse } = require("./lib/http-response.js");
const native = require("./lib/native.js");
const { resourceServerOver } = require("./lib/resource-server.js");

module.exports = {
  AccessToken,
  ConfigError,
  HttpResponse,
  Rejected,
  ResourceServer: resourceServerOver(native),
  version: native.version(),
};
