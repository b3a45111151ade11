// What the native module exports (`src/`), for the checker of `lib/`.

/** A handle of the native module. */
export interface Handle<Kind extends string> {
  readonly kind: Kind;
}

export interface NativeRequest {
  method: string;
  target: string;
  authorization: readonly string[];
  origin: readonly string[];
  accessControlRequestMethod?: string | undefined;
  accessControlRequestHeaders?: string | undefined;
  protocolVersion: readonly string[];
  mcpMethod: readonly string[];
  mcpName: readonly string[];
  scopes: readonly string[];
  calls?: readonly NativeCall[] | undefined;
  now?: number | undefined;
}

export interface NativeCall {
  method: string;
  name?: string | undefined;
  id?: string | number | undefined;
}

export interface NativeResponse {
  status: number;
  headers: [string, string][];
  body: string;
}

export interface NativeRefusal {
  reason: import("../types/reason.js").Reason;
  code: number;
  detail: string;
  response: NativeResponse;
}

export interface NativeToken {
  handle: Handle<"token">;
  issuer: string;
  subject?: string;
  clientId?: string;
  scopes: string[];
  effectiveScopes: string[];
  audience: string[];
  resource: string;
  expiresAt: number;
  issuedAt?: number;
  tokenId?: string;
  principal?: string;
}

export interface NativeKeys {
  handle: Handle<"keys">;
  source: number;
  longestWait: number;
}

export interface NativeOutcome {
  token?: NativeToken;
  refusal?: NativeRefusal;
  keys?: NativeKeys;
  bodyLimit?: number;
}

export interface NativeMistake {
  path: string;
  message: string;
}

type Server = Handle<"server">;
type Body = Uint8Array | undefined;

export function version(): string;
export function reasons(): string[];
export function open(configuration: string): { server?: Server; mistakes: NativeMistake[] };
export function environment(): string[];
export function fromVariables(
  names: readonly string[],
  values: readonly string[],
  members: string,
): { server?: Server; mistakes: NativeMistake[] };
export function derive(server: Server, changes: string): { server?: Server; mistakes: NativeMistake[] };
export function declare(
  server: Server,
  offered: string,
): { server?: Server; report?: string; mistakes: NativeMistake[] };
export function describe(server: Server): {
  metadataUrl: string;
  resource: string;
  hostname: string;
  origin: string;
  path: string;
  hasPolicy: boolean;
  leewaySeconds: number;
  bodyLimit: number;
  backgroundRefresh: boolean;
  warnings: string[];
};
export function check(server: Server, request: NativeRequest, body: Body): NativeOutcome;
export function checkAfter(server: Server, request: NativeRequest, body: Body, keys: Handle<"keys">): NativeOutcome;
export function internalError(server: Server, request: NativeRequest, detail: string): NativeRefusal;
export function require(
  server: Server,
  token: Handle<"token">,
  request: NativeRequest,
  body: Body,
): NativeRefusal | null;
export function calls(server: Server, request: NativeRequest, body: Body): { json?: string; refusal?: NativeRefusal };
export function allowed(server: Server, token: Handle<"token">, kind: string, name: string): boolean;
export function claims(token: Handle<"token">): string;
export function wellKnown(server: Server, request: NativeRequest): NativeResponse | null;
export function notFound(server: Server, target: string): NativeResponse | null;
export function stats(server: Server): string;
export function metrics(server: Server): string;
export function drainEvents(server: Server): string;
export function health(server: Server): string;
export function distrustKey(server: Server, issuer: string, kid: string): NativeMistake | null;
export function replaceKeys(server: Server, issuer: string, jwks: string): NativeMistake | null;
export function resume(server: Server, issuer: string): NativeMistake | null;
export function exportKeys(server: Server): string;
export function refresh(server: Server, keys: Handle<"keys">): Promise<NativeMistake[]>;
export function warmUp(server: Server): Promise<NativeMistake[]>;
export function startRefresh(server: Server, keys: Handle<"keys">): void;
export function refreshErrand(server: Server, keys: Handle<"keys">): Handle<"errand">;
export function warmUpErrand(server: Server): Handle<"errand">;
export function errandResult(errand: Handle<"errand">): NativeMistake[] | null;
export function issuer(resource: string): Handle<"issuer">;
export function issuerName(issuer: Handle<"issuer">): string;
export function issuerServer(issuer: Handle<"issuer">): string;
export function mint(issuer: Handle<"issuer">, claims: string): string;
export function rotate(issuer: Handle<"issuer">): void;
