// What the page shows of each client with each tool: every exchange, its status and the reason of the gate.

export const TOOLS = ["weather", "send_email", "drop_tables", "tools/list"];

/** What the official client does before its first call. */
const CONNECTING = [
  "server/discover 401 missing_token",
  "Protected resource metadata 200",
  "Authorization server metadata 200",
  "Token request 200",
  "server/discover 200",
];
/** The SDK reads the output schema of a tool that it has not listed. */
const LISTED = "tools/list 200";

export const OUTCOMES = {
  official: {
    weather: [...CONNECTING, "tools/call weather 200", LISTED],
    send_email: [
      ...CONNECTING,
      "tools/call send_email 403 insufficient_scope",
      "Token request 200",
      "tools/call send_email 200",
      LISTED,
    ],
    drop_tables: [...CONNECTING, "tools/call drop_tables 403 policy_denied"],
    "tools/list": [...CONNECTING, "tools/list 200"],
  },
  "official-denied": {
    weather: [...CONNECTING, "tools/call weather 200", LISTED],
    send_email: [...CONNECTING, "tools/call send_email 403 insufficient_scope", "Token request 400"],
    drop_tables: [...CONNECTING, "tools/call drop_tables 403 policy_denied"],
    "tools/list": [...CONNECTING, "tools/list 200"],
  },
  good: {
    weather: ["tools/call weather 200"],
    send_email: ["tools/call send_email 403 insufficient_scope"],
    drop_tables: ["tools/call drop_tables 403 policy_denied"],
    "tools/list": ["tools/list 200"],
  },
  none: always("401 missing_token"),
  expired: always("401 expired"),
  audience: always("401 wrong_audience"),
  changed: always("401 bad_signature"),
  stranger: always("401 unknown_key"),
  two: always("400 multiple_credentials"),
  session: {
    weather: ["initialize 200", "tools/call weather 200", "tools/call weather 404"],
    send_email: ["initialize 200", "tools/call send_email 200", "tools/call send_email 404"],
    drop_tables: [
      "initialize 200",
      "tools/call drop_tables 403 policy_denied",
      "tools/call drop_tables 403 policy_denied",
    ],
    "tools/list": ["initialize 200", "tools/list 200", "tools/list 404"],
  },
  outage: always("503 keys_unavailable"),
};

/** One request, answered so whatever is asked for. */
function always(answer) {
  const called = (tool) => (tool === "tools/list" ? tool : `tools/call ${tool}`);
  return Object.fromEntries(TOOLS.map((tool) => [tool, [`${called(tool)} ${answer}`]]));
}

/** The check of `explain` at which a decision with this reason ended. */
export const FAILED_CHECKS = {
  missing_token: "bearer_token",
  insufficient_scope: "scopes",
  policy_denied: "policy",
  expired: "expiry",
  wrong_audience: "audience",
  bad_signature: "signature",
  unknown_key: "key",
  multiple_credentials: "authorization_line",
  keys_unavailable: "key",
};
