// Writes the packages that are published: `scopegate` without a native module, and one package for each platform.
//
//     node platforms.mjs DIRECTORY
//
// A platform's package gets its native module when it stands beside this file (`scopegate.<platform>.node`); a release
// collects them from the machines that built them.

import { copyFileSync, cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const { PLATFORMS } = createRequire(import.meta.url)("./lib/platform.js");
const here = dirname(fileURLToPath(import.meta.url));
const manifest = JSON.parse(readFileSync(join(here, "package.json"), "utf8"));
const LICENSES = ["LICENSE-APACHE", "LICENSE-MIT"];

const [out] = process.argv.slice(2);
if (out === undefined) {
  console.error("usage: node platforms.mjs DIRECTORY");
  process.exit(1);
}
writeMain(join(out, manifest.name));
for (const platform of PLATFORMS) writePlatform(join(out, platform.name), platform);

function writeMain(folder) {
  mkdirSync(folder, { recursive: true });
  const { scripts, devDependencies, files, ...published } = manifest;
  const shipped = files.filter((name) => name !== "*.node" && name !== "index.*");
  const entries = ["index.js", "index.mjs", "index.d.ts", "index.d.mts", "README.md"];
  for (const name of [...shipped, ...entries]) cpSync(join(here, name), join(folder, name), { recursive: true });
  writeManifest(folder, {
    ...published,
    files: [...shipped, "index.*"],
    optionalDependencies: Object.fromEntries(PLATFORMS.map(({ name }) => [`@scopegate/${name}`, manifest.version])),
  });
}

function writePlatform(folder, { name, os, cpu, libc, target }) {
  mkdirSync(folder, { recursive: true });
  const file = `scopegate.${name}.node`;
  const { version, license, repository, engines } = manifest;
  const description = `The native module of scopegate for ${target}.`;
  const where = { os: [os], cpu: [cpu], ...(libc === undefined ? {} : { libc: [libc] }) };
  const packageName = `@scopegate/${name}`;
  writeManifest(folder, {
    name: packageName,
    version,
    description,
    license,
    repository,
    engines,
    ...where,
    main: file,
    files: [file, ...LICENSES],
  });
  writeFileSync(
    join(folder, "README.md"),
    `# ${packageName}\n\n${description} Install \`scopegate\`, which brings it along.\n`,
  );
  for (const license of LICENSES) copyFileSync(join(here, license), join(folder, license));
  if (existsSync(join(here, file))) copyFileSync(join(here, file), join(folder, file));
}

function writeManifest(folder, content) {
  writeFileSync(join(folder, "package.json"), `${JSON.stringify(content, null, 2)}\n`);
}
