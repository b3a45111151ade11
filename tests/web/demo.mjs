// `make demo-web` as a child, which ends with it.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** The running demo: the URL of its page, and a function that interrupts it and returns its exit code. */
export async function startDemo() {
  const child = spawn("build/venv/bin/python", ["bindings-python/demo/web/serve.py"], {
    cwd: ROOT,
    env: { ...process.env, PYTHONPATH: "bindings-python/demo", PORT: "0" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let log = "";
  child.stderr.on("data", (data) => (log += data));
  const ended = once(child, "exit");
  const { value: url } = await createInterface(child.stdout)[Symbol.asyncIterator]().next();
  if (url === undefined) throw new Error(`the demo did not start:\n${log}`);
  return {
    url,
    log: () => log,
    async stop() {
      child.kill("SIGINT");
      const [code] = await ended;
      return code;
    },
  };
}
