// What the page does, with the real server behind it.

import assert from "node:assert/strict";
import { test } from "node:test";

import { stage } from "./stage.mjs";

const { server, two } = stage();

test("two tabs see each other, in one order", { timeout: 60_000 }, async () => {
  const [ada, grace] = await two();
  await ada.say("first");
  await grace.texts("first");
  assert.equal(await ada.page.locator("#messages .own").count(), 1);
  assert.equal(await grace.page.locator("#messages .own").count(), 0);
  await Promise.all([
    ada.say(...Array.from({ length: 12 }, (_, number) => `Ada ${number}`)),
    grace.say(...Array.from({ length: 12 }, (_, number) => `Grace ${number}`)),
  ]);
  // Both have heard all when they have heard what was said after all.
  await ada.page.waitForFunction(() => document.querySelectorAll("#messages .text").length === 25);
  await grace.say("last");
  const heard = await Promise.all([ada.texts("last"), grace.texts("last")]);
  assert.deepEqual(heard[0], heard[1]);
  assert.equal(heard[0].length, 26);
  for (const name of ["Ada", "Grace"]) {
    const own = heard[0].filter((text) => text.startsWith(`${name} `));
    assert.deepEqual(own, Array.from({ length: 12 }, (_, number) => `${name} ${number}`));
  }
});

test("the figures move", { timeout: 60_000 }, async () => {
  const [ada] = await two();
  await ada.figure("connections", 2);
  await ada.figure("topics", 2);
  // All of it in one message, so for two who listen it is many more out than in.
  await ada.page.evaluate(publish, Array.from({ length: 40 }, (_, number) => ["chat", { name: "Load", text: `${number}` }]));
  await ada.figure("out-peak", 40);
  await ada.figure("in-peak", 1);
  await ada.page.waitForFunction(() => /^\d+(\.\d)?\sms$/.test(document.getElementById("round-trip").textContent));
  assert.match(await ada.page.textContent("#queued"), /^[\d.]+\s(B|KiB)$/);
  await ada.page.waitForFunction(() => /^M[\d.]+ [\d.]+L/.test(document.getElementById("out-line").getAttribute("d")));
  const [open, ...shards] = await ada.page.evaluate(() =>
    [document.getElementById("connections"), ...[...document.querySelectorAll("#shards tr")].map((row) => row.cells[1])]
      .map((cell) => Number(cell.textContent)));
  assert.equal(shards.length, 2);
  assert.equal(shards[0] + shards[1], open);
});

test("a server that goes is noticed, nothing typed is lost, and it is found again", { timeout: 60_000 }, async () => {
  const [ada, grace] = await two();
  await ada.say("before");
  await grace.texts("before");
  await ada.figure("out-peak", 1);
  await ada.page.fill("#message", "half a thou");
  for (const tab of [ada, grace]) tab.expectLoss();
  await server.kill();
  for (const tab of [ada, grace]) assert.equal(await tab.state("waiting"), "Connection lost.");
  assert.match(await ada.page.textContent("#hint"), /^No connection\. What you type stays/);

  await ada.page.focus("#message");
  await ada.page.keyboard.press("End");
  await ada.page.keyboard.type("ght");
  await ada.page.keyboard.press("Enter");
  await ada.page.waitForFunction(() => /^Not sent/.test(document.getElementById("hint").textContent));
  assert.equal(await ada.page.inputValue("#message"), "half a thought");
  assert.match(await ada.page.textContent("#house-note"), /^As of [\d:]+: no connection\.$/);
  assert.deepEqual(await ada.barriers(), []);
  await ada.screenshot("lost");

  await server.start();
  for (const tab of [ada, grace]) assert.equal(await tab.state("connected"), "Connected");
  assert.match(await ada.page.textContent("#hint"), /Your message is still in the box/);
  await ada.page.press("#message", "Enter");
  await grace.texts("half a thought");
  await ada.texts("half a thought");
  assert.equal(await ada.page.inputValue("#message"), "");
  for (const tab of [ada, grace]) {
    assert.match(await tab.page.textContent("#messages .divider"), /^No connection from [\d:]+ to [\d:]+\./);
  }
  await ada.figure("connections", 2);
});

test("a network that goes without a word is noticed, and what was being sent comes back", { timeout: 60_000 }, async () => {
  const [ada, grace] = await two();
  await ada.say("before");
  await grace.texts("before");
  ada.expectLoss();
  await ada.page.context().setOffline(true);
  await ada.say("into the void");
  await grace.say("anybody there?");
  assert.equal(await ada.page.inputValue("#message"), "", "it may still get through");
  await ada.page.keyboard.type("and more");
  assert.equal(await ada.state("waiting"), "Connection lost.");
  assert.equal(await ada.page.inputValue("#message"), "into the void\nand more");
  assert.match(await ada.page.textContent("#hint"), /it may have arrived/);
  await ada.page.context().setOffline(false);
  await ada.state("connected");
  assert.match(await ada.page.textContent("#messages .divider"), /What was said meanwhile is missing/);
  await ada.page.keyboard.press("Enter");
  await grace.texts("into the void\nand more");
  // Chromium's offline keeps back what comes, and lets go what is sent.
  assert.ok((await grace.texts()).includes("into the void"), "it has arrived");
  assert.deepEqual(await ada.texts("into the void\nand more"), ["before", "into the void\nand more"]);
});

test("what anybody publishes is text, bounded, or nothing", { timeout: 60_000 }, async () => {
  const [ada, grace] = await two();
  await ada.name("<b>Ada</b>");
  await ada.say("<img src=x onerror=document.title='had'>", "</p><script>document.title='had'</script>");
  await grace.texts("</p><script>document.title='had'</script>");
  assert.equal(await grace.page.locator("#messages :is(img, script, b)").count(), 0);
  assert.equal(await grace.page.textContent("#messages bdi"), "<b>Ada</b>");

  const odd = [null, 5, "text", [], {}, { name: "A" }, { name: 7, text: "no" }, { name: "A", text: {} }, { name: "A", text: "  " }];
  const errors = await ada.page.evaluate(publish, [...odd, { name: "n".repeat(500), text: "t".repeat(5000) }].map((data) => ["chat", data]));
  assert.deepEqual(errors, []);
  await grace.page.waitForFunction(() => document.querySelectorAll("#messages .text").length === 3);
  assert.equal((await grace.page.textContent("#messages li:last-child .text")).length, 2001);
  assert.equal((await grace.page.textContent("#messages li:last-child bdi")).length, 41);
  assert.equal(await grace.isTooWide(), false);

  const refused = await ada.page.evaluate(publish, [["fanlight:stats", { at_ms: 0, shards: [] }]]);
  assert.deepEqual(refused, [103]);
});

test("of very many messages the last 200 are kept, and a reader is not pulled away", { timeout: 60_000 }, async () => {
  const [ada, grace] = await two();
  const many = Array.from({ length: 260 }, (_, number) => ["chat", { name: "Load", text: `number ${number}` }]);
  await ada.page.evaluate(publish, many.slice(0, 130));
  await grace.texts("number 129");
  await grace.page.$eval("#log", (log) => { log.scrollTop = 0; });
  await ada.page.evaluate(publish, many.slice(130));
  const texts = await grace.texts("number 259");
  assert.deepEqual(texts, Array.from({ length: 200 }, (_, number) => `number ${number + 60}`));
  const isAtEnd = () => grace.page.$eval("#log", (log) => log.scrollHeight - log.scrollTop - log.clientHeight < 40);
  assert.equal(await isAtEnd(), false);
  await grace.page.click("#newer");
  assert.equal(await isAtEnd(), true);
  assert.equal(await grace.page.isVisible("#newer"), false);
  assert.equal(await ada.page.$eval("#log", (log) => log.scrollHeight - log.scrollTop - log.clientHeight < 40), true);
});

/** Publishes with a connection of its own, in a page; the codes of the errors come back. */
function publish(publications) {
  return new Promise((resolve) => {
    const socket = new WebSocket(`ws://${location.host}/connection/websocket`);
    const errors = [];
    let unanswered = publications.length;
    socket.onopen = () => {
      const commands = [{ connect: {} }, { subscribe: { channel: "chat" } }, ...publications.map(([channel, data]) => ({ publish: { channel, data } }))];
      socket.send(commands.map((command, index) => JSON.stringify({ id: index + 1, ...command })).join("\n"));
    };
    socket.onmessage = ({ data }) => {
      for (const { id, error } of data.split("\n").map((line) => JSON.parse(line))) {
        if (error) errors.push(error.code);
        if (id > 2 && --unanswered === 0) socket.close();
      }
    };
    socket.onclose = () => resolve(errors);
  });
}
