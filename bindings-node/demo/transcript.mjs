// The transcript: steps, and under each what was sent and answered, for a terminal of 100 columns.

const COLUMNS = 100;
const STATUS_COLUMN = 60;
const SHOWN_HEADERS = ["WWW-Authenticate", "Retry-After"];
const NO_BREAK_SPACE = "\u00a0";

/** Prints to standard output. Credentials are not shown. */
export class Transcript {
  /** The number of the present step. */
  number = 0;
  /** Its title. */
  title = "";

  /** Begins a step. */
  step(title) {
    this.number += 1;
    this.title = title;
    console.log(`${this.number === 1 ? "" : "\n"}${this.number}. ${title}`);
  }

  /** What was asked for, and the status line and those header fields of the answer that clients act on. */
  exchange(exchange) {
    this.requestAndStatus(exchange);
    for (const name of SHOWN_HEADERS) {
      const value = exchange.headers.get(name);
      if (value !== null) printWrapped(parametersKeptWhole(`${name}: ${value}`));
    }
  }

  /** What was asked for, and the status line of the answer. */
  requestAndStatus({ method, path, sent, status, statusText }) {
    const called = ["mcp-method", "mcp-name"].map((name) => sent.get(name)).filter((value) => value !== null);
    const asked = [`   ${method} ${path}`, ...called].join(" ");
    console.log(`${asked.padEnd(STATUS_COLUMN)}HTTP/1.1 ${status} ${statusText}`);
  }

  /** A JSON object. */
  document(members) {
    const list = Object.entries(members).map(
      ([name, value]) => `${JSON.stringify(name)}:${NO_BREAK_SPACE}${JSON.stringify(value)}`,
    );
    printWrapped(`{${list.join(", ")}}`);
  }

  /** What is not on the wire. */
  note(name, text) {
    printWrapped(`${name}: ${text}`);
  }
}

/** The header line, to be broken between its parameters only. */
function parametersKeptWhole(header) {
  return header.replaceAll(" ", NO_BREAK_SPACE).replaceAll(`,${NO_BREAK_SPACE}`, ", ");
}

function printWrapped(text) {
  const lines = [];
  let line = " ".repeat(4);
  for (const word of text.split(" ")) {
    if (line.trim() !== "" && line.length + 1 + word.length > COLUMNS) {
      lines.push(line);
      line = " ".repeat(6);
    }
    line += ` ${word}`;
  }
  console.log([...lines, line].join("\n").replaceAll(NO_BREAK_SPACE, " "));
}
