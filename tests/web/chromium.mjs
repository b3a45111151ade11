// The Chromium that the tests drive: the one in the npm package @sparticuz/chromium, with its libraries and its fonts, so
// that no machine needs a browser of its own. It is for Linux on x86-64; elsewhere the machine's browser is asked.

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliDecompressSync } from "node:zlib";

import puppeteer from "puppeteer-core";

const PROGRAMS = ["chromium", "chromium-browser", "google-chrome"];
const TARGET = fileURLToPath(new URL("../../target/web/", import.meta.url));
const PACKAGE = dirname(dirname(createRequire(import.meta.url).resolve("@sparticuz/chromium")));

/** A running browser. With `machineFonts` it writes in the fonts of the machine, else in the package's alone. */
export async function launch({ machineFonts = false } = {}) {
  const packed = process.platform === "linux" && process.arch === "x64";
  return puppeteer.launch({
    headless: "shell",
    // Without a sandbox, since that needs a user who is not root; it sees pages of this repository alone.
    args: ["--no-sandbox", "--no-zygote", "--disable-gpu", "--font-render-hinting=none"],
    ...(packed ? unpacked(machineFonts) : { executablePath: installed() }),
  });
}

/** The browser of the package, unpacked once. */
function unpacked(machineFonts) {
  const { version } = JSON.parse(readFileSync(join(PACKAGE, "package.json")));
  const folder = join(TARGET, `chromium-${version}`);
  if (!existsSync(folder)) {
    const unfinished = `${folder}.unfinished`;
    rmSync(unfinished, { recursive: true, force: true });
    mkdirSync(unfinished, { recursive: true });
    writeFileSync(join(unfinished, "chromium"), packed("chromium.br"), { mode: 0o755 });
    for (const archive of ["al2023.tar.br", "fonts.tar.br"]) {
      const tar = spawnSync("tar", ["-x", "-C", unfinished], { input: packed(archive), encoding: "utf8" });
      if (tar.status !== 0) throw new Error(`tar: ${tar.error ?? tar.stderr}`);
    }
    const directory = `<fontconfig><dir>${join(folder, "fonts")}</dir><cachedir>${join(folder, "cache")}</cachedir></fontconfig>`;
    writeFileSync(join(unfinished, "fonts.conf"), directory);
    renameSync(unfinished, folder);
  }
  const fonts = machineFonts ? {} : { FONTCONFIG_FILE: join(folder, "fonts.conf") };
  return {
    executablePath: join(folder, "chromium"),
    env: { ...process.env, ...fonts, LD_LIBRARY_PATH: join(folder, "lib") },
  };
}

function packed(name) {
  return brotliDecompressSync(readFileSync(join(PACKAGE, "bin", name)));
}

function installed() {
  const folders = (process.env.PATH ?? "").split(delimiter);
  const found = PROGRAMS.flatMap((program) => folders.map((folder) => join(folder, program))).find(existsSync);
  if (found === undefined) throw new Error(`${PROGRAMS.join(", ")}: not found; the tests of the page need one of them`);
  return found;
}
