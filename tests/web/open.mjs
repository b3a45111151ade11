// A browser that shows one page until its standard input ends, for programs in other languages: node open.mjs URL

import { launch } from "./chromium.mjs";

const browser = await launch();
try {
  const page = await browser.newPage();
  await page.goto(process.argv[2]);
  for await (const _ of process.stdin);
} finally {
  await browser.close();
}
