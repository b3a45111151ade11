// Writes the picture of the page in README.md: `make screenshot`.

import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";

import { launch } from "./chromium.mjs";
import { startDemo } from "./demo.mjs";

const [target] = process.argv.slice(2);
const COLOURS = "128";

const demo = await startDemo();
const browser = await launch({ machineFonts: true });
try {
  const page = await browser.newPage();
  await page.setViewport({ width: 1280, height: 900, deviceScaleFactor: 1.5 });
  await page.goto(demo.url);
  await page.waitForSelector("#tools input");
  await page.click('input[value="official"]');
  await page.click('input[value="send_email"]');
  await page.click("button");
  await page.waitForSelector(".result");
  await page.$eval(".exchange details", (first) => (first.open = false)); // the refusal that every client begins with
  await page.mouse.move(0, 0);
  const height = await page.evaluate(() => document.querySelector(".result").getBoundingClientRect().bottom);
  const picture = await page.screenshot({ clip: { x: 0, y: 0, width: 1280, height: Math.ceil(height) + 28 } });
  writeFileSync(target, smaller(picture));
} finally {
  await browser.close();
  await demo.stop();
}

function smaller(picture) {
  const pngquant = spawnSync("pngquant", [COLOURS, "-"], { input: picture, maxBuffer: 2 ** 24 });
  if (pngquant.error) throw new Error("pngquant: not found; Debian has it in the package `pngquant`");
  if (pngquant.status !== 0) throw new Error(`pngquant: ${pngquant.stderr}`);
  return pngquant.stdout;
}
