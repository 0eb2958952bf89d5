// What each test file needs: a server of its own, a browser, and tabs that end with their test.

import assert from "node:assert/strict";
import { after, afterEach, before } from "node:test";

import { Server } from "./server.mjs";
import { Tab, launch } from "./tab.mjs";

/** Sets it up for the tests of the file that calls it; the server starts with `env`. */
export function stage(env) {
  const server = new Server(env);
  let browser;
  /** The tabs of the test that runs. */
  let tabs = [];

  before(async () => {
    [browser] = await Promise.all([launch(), server.start()]);
  }, { timeout: 20_000 });

  afterEach(async () => {
    if (!server.isUp) await server.start();
    const opened = tabs.splice(0);
    for (const tab of opened) assert.deepEqual(tab.complaints(), []);
    await Promise.all(opened.map(({ page }) => page.context().close()));
  });

  after(async () => {
    await browser?.close();
    await server.kill();
  });

  /** A tab with the page, at `fragment` of its address. */
  const open = async ({ fragment = "", ...options } = {}) => {
    const tab = await Tab.open(browser, server.url + fragment, options);
    tabs.push(tab);
    return tab;
  };

  /** Two tabs that are in the chat. */
  const two = async () => {
    const pair = await Promise.all([open(), open()]);
    for (const tab of pair) await tab.state("connected");
    await pair[0].name("Ada");
    await pair[1].name("Grace");
    return pair;
  };

  return { server, open, two };
}
