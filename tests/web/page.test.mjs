// The page of `make demo-web` in headless Chromium, in front of the running demo.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { after, afterEach, before, beforeEach, test } from "node:test";

import { launch } from "./chromium.mjs";
import { startDemo } from "./demo.mjs";
import { FAILED_CHECKS, OUTCOMES, TOOLS } from "./outcomes.mjs";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const JWT = /eyJ[\w-]+\.[\w-]+\.[\w-]*/;
const PHONE = { width: 380, height: 800, isMobile: true, hasTouch: true };
const DESK = { width: 1280, height: 900 };

let demo, browser, page, complaints;

before(async () => {
  demo = await startDemo();
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await demo?.stop();
});

beforeEach(async () => {
  complaints = [];
  page = await browser.newPage();
  page.on("console", (message) => complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(String(error)));
  await page.evaluateOnNewDocument(() => {
    addEventListener("securitypolicyviolation", (event) => console.error(event.violatedDirective, event.blockedURI));
  });
  await visit(DESK);
});

afterEach(async () => {
  await page.close();
  assert.deepEqual(complaints, [], "the console has no message, and nothing broke the policy");
});

const combinations = Object.entries(OUTCOMES).flatMap(([client, tools]) =>
  Object.entries(tools).map(([tool, expected]) => ({ client, tool, expected })),
);

test("every client and tool that can be chosen is tested", async () => {
  const offered = (name) => page.$$eval(`input[name=${name}]`, (inputs) => inputs.map((input) => input.value));
  assert.deepEqual(await offered("client"), Object.keys(OUTCOMES));
  assert.deepEqual(await offered("tool"), TOOLS);
  assert.equal(combinations.length, 44);
});

for (const { client, tool, expected } of combinations) {
  test(`${client} with ${tool}: ${expected.at(-1)}`, async () => {
    await choose(client, tool);
    await page.click("button");
    await done();
    assert.deepEqual(await shown(), expected);
    await open();
    for (const { reason, decision, failed } of await explained()) {
      assert.deepEqual(failed, reason ? [`✗ ${FAILED_CHECKS[reason]}`] : [], "what explain says is what was decided");
      assert.match(decision, reason ? /^Gate: refused/ : /^Gate: accepted/);
    }
    assert.match(await page.$eval("#status", (line) => line.textContent), /^Done: \d exchanges?\.$/);
  });
}

test("a refusal shows its challenge in colours, the decision with cause and cure, and why", async () => {
  await choose("good", "send_email");
  await page.click("button");
  await done();
  const parameters = await page.$$eval(".parameter", (found) => found.map((each) => each.textContent));
  assert.deepEqual(
    parameters.map((parameter) => parameter.split("=")[0]),
    ["error", "scope", "resource_metadata", "error_description"],
  );
  const colours = await page.$$eval(".parameter, .lines .p-credential", (found) =>
    found.map((each) => getComputedStyle(each).color),
  );
  assert.equal(new Set(colours).size, 5);
  const decision = await page.$eval(".decision", (part) => part.innerText);
  assert.match(decision, /Gate: refused\s+insufficient_scope \(6001\)/);
  assert.match(decision, /The token is good and its scopes do not cover what the request needs\./);
  assert.match(decision, /the challenge lists the scopes and the client asks for them/);
  assert.match(decision, /Expected\s+the scopes "mcp:tools:email:send"\s+Found\s+"mcp:tools:weather"/);
});

test("every check of explain is a row of its table, and those that are made stand in their order before it", async () => {
  await choose("expired", "weather");
  await page.click("button");
  await done();
  await open();
  const rows = await page.$$eval("tbody tr", (found) =>
    found.map((row) => [...row.cells].map((cell) => cell.innerText)),
  );
  assert.equal(rows.length, 29);
  const made = rows.filter(([, outcome]) => outcome !== "not asked");
  assert.deepEqual(
    await page.$$eval(".track li", (found) => found.map((each) => each.innerText.slice(2))),
    made.map(([name]) => name),
  );
  const [expiry] = rows.filter(([name]) => name === "expiry");
  assert.deepEqual(expiry.slice(1, 3), ["failed", "exp to be in the future, 30 s allowed"]);
  assert.match(expiry[3], /^exp \d+, 36\d\d s ago$/);
  assert.deepEqual(
    made.slice(made.indexOf(expiry) + 1).map(([, outcome]) => outcome),
    Array(5).fill("not reached"),
  );
  assert.equal(
    await page.$eval(".checks summary", (line) => line.innerText),
    "explain: 18 passed, 1 failed, 5 not reached, 5 not asked",
  );
});

test("where the server behind the gate refuses, the page says so", async () => {
  await choose("session", "weather");
  await page.click("button");
  await done();
  const decision = await page.$eval(".exchange:nth-child(3) .decision", (part) => part.innerText);
  assert.match(decision, /^Gate: accepted\s+What refuses is the server behind the gate\./);
});

test("a request that passes is folded, and opens", async () => {
  await choose("good", "weather");
  await page.click("button");
  await done();
  assert.equal(await page.$eval(".exchange details", (details) => details.open), false);
  await page.click(".exchange summary");
  assert.match(await page.$eval(".decision", (part) => part.innerText), /Gate: accepted/);
});

test("no token reaches the page", async () => {
  for (const [client, lengths] of [
    ["official", 4],
    ["two", 2],
    ["stranger", 1],
  ]) {
    await choose(client, "send_email");
    await page.click("button");
    await done();
    await open();
    const text = await page.$eval("#exchanges", (list) => list.innerText);
    assert.equal(text.match(/Bearer <token, \d+ bytes>/g).length, lengths);
    assert.doesNotMatch(await page.content(), JWT);
  }
  const told = await page.evaluate(async () => {
    const body = JSON.stringify({ client: "official", tool: "weather" });
    const response = await fetch("/run", { method: "POST", headers: { "Content-Type": "application/json" }, body });
    return response.text();
  });
  assert.match(told, /access_token\\":\\"<token, \d+ bytes>/);
  assert.doesNotMatch(told, JWT);
});

test("no secret of a client reaches the page", async () => {
  await choose("official", "weather");
  await page.click("button");
  await done();
  await open();
  assert.match(await page.$eval("#exchanges", (list) => list.innerText), /Basic <client id and secret>/);
  assert.doesNotMatch(await page.content(), /test-only/);
});

test("on a phone nothing is wider than the screen or cut off, whatever is unfolded", async () => {
  await visit(PHONE);
  for (const [client, tool] of [
    ["official", "send_email"],
    ["session", "tools/list"],
  ]) {
    await choose(client, tool);
    await page.click("button");
    await done();
    await open();
    const widths = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
    assert.deepEqual(widths, [380, 380]);
    const tooWide = await page.$$eval("#exchanges *", (found) =>
      found
        .filter((each) => each.scrollWidth > each.clientWidth && each.clientWidth > 0)
        .map((each) => `${each.scrollWidth} > ${each.clientWidth}: ${each.outerHTML}`),
    );
    assert.deepEqual(tooWide, []);
  }
});

test("on a phone the answer is scrolled to", async () => {
  await visit(PHONE);
  await page.click("button");
  await done();
  const top = await page.$eval("#status", (line) => line.getBoundingClientRect().top);
  assert.ok(top >= 0 && top < PHONE.height, `the line of state is at ${top}`);
});

for (const key of ["Enter", "Space"]) {
  test(`without a mouse: arrows choose, ${key} sends`, async () => {
    await page.keyboard.press("Tab");
    for (let steps = 0; steps < 3; steps++) await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Tab");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Tab");
    assert.equal(await page.evaluate(() => document.activeElement.textContent), "Send");
    await page.keyboard.press(key);
    await done();
    assert.deepEqual(await shown(), OUTCOMES.none.send_email);
    await page.keyboard.press("Tab");
    assert.equal(await page.evaluate(() => document.activeElement.tagName), "SUMMARY");
  });
}

test("a second press while a client is at work sends nothing", async () => {
  const sent = [];
  page.on("request", (request) => sent.push(request.url()));
  await page.$eval("button", (button) => {
    button.click();
    button.click();
  });
  await done();
  assert.deepEqual(sent, [`${demo.url}run`]);
});

test("what is sent next takes the place of what was shown", async () => {
  for (const client of ["none", "two"]) {
    await choose(client, "weather");
    await page.click("button");
    await done();
  }
  assert.deepEqual(await shown(), OUTCOMES.two.weather);
});

for (const scheme of ["light", "dark"]) {
  test(`axe finds nothing to improve in the ${scheme} colours`, async () => {
    await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
    for (const [client, tool] of [
      ["official", "send_email"],
      ["session", "weather"],
      ["outage", "weather"],
    ]) {
      await choose(client, tool);
      await page.click("button");
      await done();
      await open();
      await page.evaluate(AXE);
      const { violations, passes } = await page.evaluate(() => globalThis.axe.run());
      const found = violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html}`));
      assert.deepEqual(found, []);
      assert.ok(passes.some(({ id }) => id === "color-contrast"));
    }
  });
}

test("when the demo has ended the page says so, and no server of it is left", async () => {
  const servers = await page.$$eval("#parties dd", (urls) => urls.map((url) => url.textContent));
  assert.equal(servers.length, 2);
  assert.equal(await demo.stop(), 0, demo.log());
  for (const url of servers) await assert.rejects(fetch(url));
  await page.click("button");
  await page.waitForFunction(() => document.getElementById("status").textContent.includes("does not answer"));
  assert.match(complaints.splice(0).join("\n"), /ERR_CONNECTION_REFUSED/);
});

async function visit(viewport) {
  await page.setViewport(viewport);
  await page.goto(demo.url);
  await page.waitForSelector("#tools input");
}

async function choose(client, tool) {
  await page.click(`input[value="${client}"]`);
  await page.click(`input[value="${tool}"]`);
}

async function done() {
  await page.waitForSelector(".result");
}

/** Unfolds everything. */
async function open() {
  await page.$$eval("details", (found) => found.forEach((details) => (details.open = true)));
}

/** What is said of each exchange that the gate decided on. */
function explained() {
  return page.$$eval(".exchange:has(.decision)", (found) =>
    found.map((each) => ({
      reason: each.querySelector(".reason")?.innerText,
      decision: each.querySelector(".decision").innerText,
      failed: [...each.querySelectorAll(".track .failed")].map((check) => check.innerText),
    })),
  );
}

/** Each exchange with its status and the reason, as they can be read. */
function shown() {
  return page.$$eval(".exchange", (found) =>
    found.map((each) => {
      const read = (selector) => each.querySelector(selector)?.innerText;
      const title = read(".what").replace(read(".whom"), "").trim();
      return [title, read(".pill").split(" ")[0], read(".reason")].filter(Boolean).join(" ");
    }),
  );
}
