// An empty project outside the repository with the packed package in it, and the SDKs beside it.

import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL("../../", import.meta.url));

export function npm(folder, ...args) {
  const options = { cwd: folder, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] };
  return execFileSync("npm", [...args, "--loglevel=error", "--no-audit", "--no-fund"], options);
}

/** Packs a folder without building anything; the path of the tarball. */
export function pack(folder, into) {
  const name = npm(folder, "pack", "--ignore-scripts", "--pack-destination", into).trim().split("\n").at(-1);
  return join(into, name);
}

/** A temporary folder that ends with the test. */
export function temporary(context) {
  const folder = mkdtempSync(join(tmpdir(), "scopegate-node-"));
  context.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

/** A project of this module type with these tarballs installed from the file system alone. */
export function makeProject(folder, type, ...tarballs) {
  mkdirSync(folder, { recursive: true });
  writeFileSync(
    join(folder, "package.json"),
    JSON.stringify({ name: "project", version: "1.0.0", type, private: true }),
  );
  npm(folder, "install", "--offline", ...tarballs);
  return folder;
}

/** Links our development dependencies into the project: the SDKs, the frameworks, the compiler. */
export function linkDependencies(folder) {
  const from = join(here, "node_modules");
  for (const name of readdirSync(from).filter((entry) => !entry.startsWith("."))) {
    if (name === "scopegate") continue;
    symlinkSync(join(from, name), join(folder, "node_modules", name));
  }
}

/** Compiles the TypeScript files of the project under `--strict` into JavaScript beside them. */
export function compile(folder) {
  const options = {
    compilerOptions: {
      strict: true,
      module: "nodenext",
      target: "es2023",
      types: ["node"],
      skipLibCheck: true,
      noUncheckedIndexedAccess: true,
    },
  };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(options));
  try {
    execFileSync(process.execPath, [join(here, "node_modules/typescript/bin/tsc"), "-p", folder], { encoding: "utf8" });
  } catch (error) {
    throw new Error(`tsc --strict refuses it:\n${error.stdout}`);
  }
}
