import testing from "./index.js";

export const { Issuer } = testing;
