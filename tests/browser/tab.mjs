// A tab with the page in it, and what its console and its policy had to say.

import { createRequire } from "node:module";

const dir = process.env.FANLIGHT_BROWSER_DIR;
const installed = createRequire(`${dir}/`);
const { chromium } = installed("playwright-core");
const { source: axe } = installed("axe-core");

const ARGS = [
  "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
  "--disable-background-networking", "--disable-component-update", "--disable-sync",
];
/** Longer than anything takes that works. */
const WAIT_MAX_MS = 20_000;

/** A browser without a past. */
export function launch() {
  return chromium.launch({ executablePath: process.env.FANLIGHT_CHROMIUM, args: ARGS });
}

export class Tab {
  page;
  #complaints = [];
  #lossIsExpected = false;

  /** Opens the page in a window of its own; `prepare` may change that before it goes anywhere. */
  static async open(browser, url, { prepare, ...options } = {}) {
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
    context.setDefaultTimeout(WAIT_MAX_MS);
    const page = await context.newPage();
    const tab = new Tab(page);
    await page.addInitScript(() => {
      addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI }) => {
        console.error(`policy: ${violatedDirective} ${blockedURI}`);
      });
    });
    await prepare?.(page);
    await page.goto(url);
    return tab;
  }

  constructor(page) {
    this.page = page;
    page.on("pageerror", (error) => this.#complaints.push(String(error)));
    page.on("console", (message) => {
      if (!["error", "warning"].includes(message.type())) return;
      // A browser itself says so when it finds no server.
      if (this.#lossIsExpected && /^WebSocket connection to /.test(message.text())) return;
      this.#complaints.push(message.text());
    });
  }

  /** What was complained of so far, but for a server that is not there when that is expected. */
  complaints() {
    return this.#complaints;
  }

  expectLoss() {
    this.#lossIsExpected = true;
  }

  /** Waits until the page says that it is in this state. */
  async state(name) {
    await this.page.waitForSelector(`#state[data-state=${name}]`);
    return this.page.textContent("#state-text");
  }

  async name(name) {
    await this.page.fill("#name", name);
  }

  async say(...texts) {
    for (const text of texts) {
      await this.page.fill("#message", text);
      await this.page.press("#message", "Enter");
    }
  }

  /** What the chat shows; waits until it shows `last`. */
  async texts(last) {
    if (last !== undefined) {
      await this.page.waitForFunction(
        (last) => [...document.querySelectorAll("#messages .text")].at(-1)?.textContent === last, last);
    }
    return this.page.$$eval("#messages .text", (texts) => texts.map((text) => text.textContent));
  }

  /** Waits until a figure is at least `least`. */
  async figure(id, least) {
    await this.page.waitForFunction(
      ([id, least]) => Number(document.getElementById(id).textContent) >= least, [id, least]);
  }

  /** Whether the page, or the chat in it, is wider than its place. */
  isTooWide() {
    return this.page.evaluate(() =>
      [document.scrollingElement, document.getElementById("log")].some((it) => it.scrollWidth > it.clientWidth));
  }

  /** What axe-core has to say against the page, as text. */
  async barriers() {
    await this.page.evaluate(axe);
    const { violations } = await this.page.evaluate(() => axe.run());
    return violations.flatMap(({ id, help, nodes }) =>
      nodes.map(({ target, failureSummary }) => `${id}: ${help}: ${target}: ${failureSummary}`));
  }

  async screenshot(name) {
    await this.page.screenshot({ path: `${dir}/${name}.png`, fullPage: true });
  }
}
