// Writes the picture of the README: `make screenshot`. Its letters are in the fonts of the machine.
import { fileURLToPath } from "node:url";
import { launch } from "./chromium.mjs";
import { startDemo } from "./demo.mjs";
const demo = await startDemo();
const browser = await launch({ machineFonts: true });
const [
  client = "good",
  tool = "send_email",
  out = "/tmp/chr/shot.png",
  w = "1280",
  h = "900",
  scheme = "light",
  full = "",
] = process.argv.slice(2);
try {
  const page = await browser.newPage();
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
  await page.setViewport({ width: +w, height: +h, deviceScaleFactor: 1.5 });
  await page.goto(demo.url);
  await page.waitForSelector(`input[value="${client}"]`);
  await page.click(`input[value="${client}"]`);
  await page.click(`input[value="${tool}"]`);
  await page.click("button");
  await page.waitForSelector(".result");
  await page.screenshot({ path: out, fullPage: !!full });
} finally {
  await browser.close();
  await demo.stop();
}
