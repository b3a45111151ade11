"use strict";

// Which platforms have a package of their own, and which one this is.

/** @typedef {{ name: string, os: string, cpu: string, libc?: "glibc" | "musl", target: string }} Platform */

/** @type {readonly Platform[]} */
const PLATFORMS = [
  { name: "linux-x64-gnu", os: "linux", cpu: "x64", libc: "glibc", target: "x86_64-unknown-linux-gnu" },
  { name: "linux-arm64-gnu", os: "linux", cpu: "arm64", libc: "glibc", target: "aarch64-unknown-linux-gnu" },
  { name: "linux-x64-musl", os: "linux", cpu: "x64", libc: "musl", target: "x86_64-unknown-linux-musl" },
  { name: "linux-arm64-musl", os: "linux", cpu: "arm64", libc: "musl", target: "aarch64-unknown-linux-musl" },
  { name: "darwin-x64", os: "darwin", cpu: "x64", target: "x86_64-apple-darwin" },
  { name: "darwin-arm64", os: "darwin", cpu: "arm64", target: "aarch64-apple-darwin" },
  { name: "win32-x64-msvc", os: "win32", cpu: "x64", target: "x86_64-pc-windows-msvc" },
];

/** The name of the package for the platform that this process runs on, whether it exists or not. */
function platformName() {
  const base = `${process.platform}-${process.arch}`;
  if (process.platform === "linux") return `${base}-${usesGlibc() ? "gnu" : "musl"}`;
  return process.platform === "win32" ? `${base}-msvc` : base;
}

function usesGlibc() {
  const report = /** @type {NodeJS.ProcessReport & { excludeNetwork: boolean }} */ (process.report);
  const before = report.excludeNetwork;
  report.excludeNetwork = true; // else it resolves the addresses of open connections
  const { header } = /** @type {{ header: { glibcVersionRuntime?: string } }} */ (
    /** @type {unknown} */ (report.getReport())
  );
  report.excludeNetwork = before;
  return header.glibcVersionRuntime !== undefined;
}

module.exports = { PLATFORMS, platformName };
