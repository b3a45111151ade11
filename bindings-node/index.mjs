import scopegate from "./index.js";

export const { AccessToken, ConfigError, HttpResponse, Rejected, ResourceServer, version } = scopegate;
