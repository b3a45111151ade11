import { InvalidTokenError } from "@modelcontextprotocol/sdk/server/auth/errors.js";
import auth from "../lib/auth-info.js";
import declarations from "../lib/declared.js";
import lists from "../lib/lists.js";
import verifier from "../lib/token-verifier.js";

export const { accessToken } = auth;
export const { declared } = declarations;
export const { filterLists } = lists;

// The SDK's errors are of another class in each module format, and ours must be of the importer's.
export const TokenVerifier = verifier.tokenVerifierWith((description) => new InvalidTokenError(description));
