// The page: what may be chosen, and each exchange as it is told. Everything becomes text nodes, nothing becomes markup.

const NOISE = new Set([
  "accept",
  "accept-encoding",
  "connection",
  "content-length",
  "date",
  "host",
  "server",
  "transfer-encoding",
  "user-agent",
]);
const LINE = 52; // letters that fit beside each other on a wide screen
const PARAMETERS = { error: "p-error", scope: "p-scope", resource_metadata: "p-metadata" };
const MARKS = { passed: "✓", failed: "✗", not_reached: "·" };
const VERDICTS = { accepted: ["Gate: accepted", "good"], refused: ["Gate: refused", "bad"] };

const form = document.getElementById("choice");
const button = form.querySelector("button");
const timeline = document.getElementById("exchanges");
const statusLine = document.getElementById("status");

const choices = await (await fetch("/choices")).json();
offer("clients", "client", choices.clients);
offer("tools", "tool", choices.tools);
document
  .getElementById("parties")
  .append(
    element("dt", "MCP server"),
    element("dd", choices.resource),
    element("dt", "Authorization server"),
    element("dd", choices.issuer),
  );
form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (button.getAttribute("aria-disabled") !== "true") send();
});

function offer(id, name, options) {
  for (const [index, option] of options.entries()) {
    const input = element("input");
    Object.assign(input, { type: "radio", name, value: option.id, checked: index === 0 });
    const title = element("span", option.title);
    title.className = "name";
    const about = element("span", option.about);
    about.className = "about";
    const label = element("label", input, title, about);
    label.className = "option";
    document.getElementById(id).append(label);
  }
}

async function send() {
  const chosen = Object.fromEntries(new FormData(form));
  button.setAttribute("aria-disabled", "true");
  timeline.replaceChildren();
  statusLine.textContent = "Sending…";
  if (statusLine.getBoundingClientRect().bottom > innerHeight) statusLine.scrollIntoView();
  try {
    const response = await fetch("/run", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(chosen),
    });
    for await (const event of events(response)) show(event);
  } catch {
    statusLine.textContent = "The demo does not answer. Is `make demo-web` still running?";
  } finally {
    button.removeAttribute("aria-disabled");
  }
}

/** The lines of a response, each an event in JSON. */
async function* events(response) {
  let rest = "";
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    const lines = (rest + part.value).split("\n");
    rest = lines.pop();
    for (const line of lines) yield JSON.parse(line);
  }
}

function show(event) {
  if (event.type === "exchange") {
    const number = timeline.children.length + 1;
    timeline.append(exchange(number, event));
    statusLine.textContent = `Exchange ${number}: ${event.title}, ${event.response.status} ${event.response.phrase}.`;
  } else {
    const item = element("li", event.text);
    item.className = "result";
    timeline.append(item);
    const count = timeline.querySelectorAll(".exchange").length;
    statusLine.textContent = `Done: ${count} ${count === 1 ? "exchange" : "exchanges"}.`;
  }
}

function exchange(number, { title, to, scope, request, response, decision }) {
  const whom = styled("whom", "span", `client → ${to}${scope ? `, for ${scope}` : ""}`);
  const outcome = styled("outcome", "span", pill(response));
  if (decision?.reason) outcome.prepend(styled("reason", "span", decision.reason));
  const summary = element(
    "summary",
    styled("number", "span", String(number)),
    styled("what", "span", title, whom),
    outcome,
  );
  const wire = styled(
    "wire",
    "div",
    message("Sent", `${request.method} ${request.target}`, request),
    message("Answered", `${response.version} ${response.status} ${response.phrase}`, response),
  );
  const details = element("details", summary, wire);
  details.open = response.status >= 400;
  if (decision) details.append(judgement(decision, response));
  return styled("exchange", "li", details);
}

function pill({ status, phrase }) {
  const kind = status < 400 ? "good" : status === 503 ? "wait" : "bad";
  return styled(`pill ${kind}`, "span", `${status} ${phrase}`);
}

function message(heading, first, { headers, body, claims = [] }) {
  const telling = headers.filter(([name]) => !NOISE.has(name.toLowerCase()));
  const others = headers.filter(([name]) => NOISE.has(name.toLowerCase()));
  const part = styled(
    "message",
    "div",
    element("h3", heading),
    styled("lines", "div", styled("first", "div", first), ...telling.map(headerLine)),
  );
  if (others.length) {
    part.append(folded(`${others.length} more header fields`, styled("lines", "div", ...others.map(headerLine))));
  }
  for (const each of claims) {
    part.append(folded("what the token says, unverified", lines(broken(each))));
  }
  if (body) part.append(lines(readable(body)));
  return part;
}

/** A text in which a line that is too long goes on under its own indentation. */
function lines(text) {
  const made = text.split("\n").map((line) => {
    const content = line.trimStart();
    const row = element("div", content);
    row.style.paddingLeft = `${line.length - content.length + 2}ch`;
    return row;
  });
  return styled("lines body", "div", ...made);
}

function folded(title, content) {
  return styled("more", "details", element("summary", title), content);
}

function headerLine([name, value]) {
  const line = element("div", styled("field", "span", `${name}: `));
  if (name.toLowerCase() === "www-authenticate") line.append(...challenge(value));
  else if (name.toLowerCase() === "authorization") line.append(styled("p-credential", "span", value));
  else line.append(value);
  return line;
}

/** The scheme of a challenge, then each parameter on a line of its own. */
function challenge(value) {
  const [scheme] = value.split(" ", 1);
  const parameters = value.slice(scheme.length).match(/[a-z_]+="[^"]*",?/g) ?? [];
  return [
    scheme,
    ...parameters.map((parameter) => {
      const name = parameter.slice(0, parameter.indexOf("="));
      return styled(`parameter ${PARAMETERS[name] ?? "p-other"}`, "span", parameter);
    }),
  ];
}

/** JSON, broken where it is long; everything else as it is. */
function readable(body) {
  try {
    return broken(JSON.parse(body));
  } catch {
    return body.trim();
  }
}

function broken(value, indent = "") {
  const line = JSON.stringify(value, null, 1).replace(/\n */g, " ");
  if (indent.length + line.length <= LINE || typeof value !== "object") return line;
  const deeper = `${indent}  `;
  const [open, close] = Array.isArray(value) ? "[]" : "{}";
  const parts = Array.isArray(value)
    ? value.map((each) => broken(each, deeper))
    : Object.entries(value).map(([name, each]) => `${JSON.stringify(name)}: ${broken(each, deeper)}`);
  return `${open}\n${parts.map((part) => deeper + part).join(",\n")}\n${indent}${close}`;
}

function judgement({ outcome, reason, checks }, response) {
  const [verdict, kind] = VERDICTS[outcome];
  const line = styled("verdict", "p", styled(`pill ${kind}`, "strong", verdict));
  const part = styled("decision", "div", line);
  const meaning = styled("meaning", "dl");
  const failed = checks.find((check) => check.outcome === "failed");
  if (failed) describe(meaning, { Expected: failed.expected, Found: failed.found, Hint: failed.hint });
  if (reason) {
    const { number, cause, cure } = choices.reasons[reason];
    const link = element("a", "docs/reasons.md");
    link.href = "/docs/reasons.md";
    line.append(element("code", `${reason} (${number})`), link);
    describe(meaning, { Cause: cause, Cure: cure });
  } else if (response.status >= 400) {
    line.append("What refuses is the server behind the gate.");
  }
  if (meaning.children.length) part.append(meaning);
  if (checks.length) part.append(...explanation(checks));
  return part;
}

function describe(list, entries) {
  for (const [term, text] of Object.entries(entries)) {
    if (text) list.append(element("dt", term), element("dd", ...codeSpans(text)));
  }
}

/** The checks in their order, by name; then as a table. */
function explanation(checks) {
  const made = checks.filter((check) => check.outcome !== "not_asked");
  const track = styled(
    "track",
    "ol",
    ...made.map(({ check, outcome }) => styled(outcome, "li", named(outcome, check))),
  );
  track.setAttribute("aria-label", "Checks in their order");
  const rows = checks.map(({ check, outcome, expected, found, reference }) =>
    styled(
      outcome,
      "tr",
      rowHeader(check),
      element("td", outcome.replace("_", " ")),
      element("td", expected ?? ""),
      element("td", found ?? ""),
      element("td", ...atFragment(reference)),
    ),
  );
  const head = element("tr", ...["Check", "Outcome", "Expected", "Found", "See"].map((title) => element("th", title)));
  const table = element("table", element("thead", head), element("tbody", ...rows));
  const counts = ["passed", "failed", "not_reached", "not_asked"]
    .map((outcome) => [checks.filter((check) => check.outcome === outcome).length, outcome.replace("_", " ")])
    .filter(([count]) => count)
    .map(([count, outcome]) => `${count} ${outcome}`);
  return [track, styled("checks", "details", element("summary", `explain: ${counts.join(", ")}`), table)];
}

/** A reference that may be broken before the name of a section. */
function atFragment(reference) {
  const [document, fragment] = reference.split("#");
  return fragment ? [document, element("wbr"), `#${fragment}`] : [document];
}

/** The name of a check with its mark, which is read out as a word. */
function named(outcome, check) {
  const mark = styled("mark", "span", MARKS[outcome]);
  mark.setAttribute("role", "img");
  mark.setAttribute("aria-label", outcome.replace("_", " "));
  return element("span", mark, ` ${check}`);
}

function rowHeader(text) {
  const header = element("th", text);
  header.scope = "row";
  return header;
}

/** Text in which what stands between backquotes is code. */
function codeSpans(text) {
  return text.split("`").map((part, index) => (index % 2 ? element("code", part) : part));
}

function styled(className, tag, ...children) {
  const made = element(tag, ...children);
  made.className = className;
  return made;
}

function element(tag, ...children) {
  const made = document.createElement(tag);
  made.append(...children);
  return made;
}
