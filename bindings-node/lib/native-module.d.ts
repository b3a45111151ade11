// What the native module exports (`src/`), for the checker of `lib/`.

/** A handle of the native module. */
export interface Handle<Kind extends string> {
  readonly kind: Kind;
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

export interface NativeKeys {
  handle: Handle<"keys">;
  source: number;
  longestWait: number;
}

export interface NativeOutcome {
  refusal?: NativeRefusal;
  keys?: NativeKeys;
  bodyLimit?: number;
}

export interface NativeMistake {
  path: string;
  message: string;
}

type Server = Handle<"server">;
type Made = Handle<"made">;
/** How many bytes the request takes that was laid out in the server's memory. */
type Length = number;
type Body = Uint8Array | undefined;
type Calls = readonly NativeCall[] | undefined;
/** A text is a token's that never came before, a number that of a verification. */
type Decision = string | number | NativeOutcome;

export function version(): string;
export function reasons(): string[];
export function open(configuration: string): { server?: Made; mistakes: NativeMistake[] };
export function environment(): string[];
export function fromVariables(
  names: readonly string[],
  values: readonly string[],
  members: string,
): { server?: Made; mistakes: NativeMistake[] };
export function derive(server: Server, changes: string): { server?: Made; mistakes: NativeMistake[] };
export function declare(server: Server, offered: string): { server?: Made; report?: string; mistakes: NativeMistake[] };
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
export function serve(made: Made, layout: Uint8Array, numbers: Buffer): Server;
export function layOutIn(server: Server, layout: Uint8Array): void;
export function checksOf(server: Server): (length: Length) => Decision;
export function checkCall(server: Server, length: Length, body: Body, calls: Calls): Decision;
export function checkAfter(server: Server, length: Length, body: Body, calls: Calls, keys: Handle<"keys">): Decision;
export function accepted(server: Server, verification: number): string;
export function internalError(server: Server, length: Length, detail: string): NativeRefusal;
export function require(server: Server, length: Length, body: Body, calls: Calls): NativeRefusal | null;
export function calls(server: Server, length: Length, body: Body): { json?: string; refusal?: NativeRefusal };
export function explain(server: Server, length: Length, body: Body, calls: Calls): { json: string; text: string };
export function pasted(text: Uint8Array): {
  method?: string;
  target?: string;
  authorization: string[];
  origin: string[];
  protocolVersion: string[];
  mcpMethod: string[];
  mcpName: string[];
  body?: Uint8Array;
};
export function allowed(server: Server, length: Length, kind: string, name: string): boolean;
export function wellKnown(server: Server, length: Length): NativeResponse | null;
export function notFound(server: Server, target: string): NativeResponse | null;
export function healthResponse(server: Server, method: string): NativeResponse | null;
export function metricsResponse(server: Server, method: string): NativeResponse | null;
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
