// Whether everybody can read and use the page.

import assert from "node:assert/strict";
import { test } from "node:test";

import { stage } from "./stage.mjs";

const { open } = stage();

const PHONE = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true };

test("the keyboard alone does", { timeout: 60_000 }, async () => {
  const [ada, grace] = await Promise.all([open(), open()]);
  for (const tab of [ada, grace]) await tab.state("connected");
  const { keyboard } = ada.page;
  const stops = [];
  for (let stop = 0; stop < 20; stop += 1) {
    await keyboard.press("Tab");
    const { name, isSeen } = await ada.page.evaluate(focused);
    if (name === "BODY") break;
    stops.push(name);
    assert.ok(isSeen, `the focus is seen on ${name}`);
  }
  assert.deepEqual(stops, ["skip", "theme", "name", "log", "message", "send", "table", "/healthz", "/stats", "PRE"]);

  await keyboard.press("Tab");
  assert.equal((await ada.page.evaluate(focused)).name, "skip");
  await keyboard.press("Enter");
  await keyboard.type("by key");
  await keyboard.press("Shift+Enter");
  await keyboard.type("in two lines");
  await keyboard.press("Enter");
  await grace.texts("by key\nin two lines");
  assert.equal((await ada.page.evaluate(focused)).name, "message");
});

/** Where the focus is, and whether it can be seen there. */
function focused() {
  const element = document.activeElement;
  const { outlineStyle, outlineWidth } = getComputedStyle(element);
  const { width, right, bottom } = element.getBoundingClientRect();
  return {
    name: element.id || element.className || element.pathname || element.tagName,
    isSeen: width > 0 && right > 0 && bottom > 0 && outlineStyle !== "none" && parseFloat(outlineWidth) >= 2,
  };
}

test("it can be read by everybody, in each theme, at each width", { timeout: 60_000 }, async () => {
  const [light, dark, phone] = await Promise.all([
    open({ colorScheme: "light" }),
    open({ colorScheme: "dark", reducedMotion: "reduce" }),
    open({ colorScheme: "light", ...PHONE }),
  ]);
  for (const tab of [light, dark, phone]) await tab.state("connected");
  await dark.figure("connections", 3);
  assert.deepEqual(await light.barriers(), []);
  await light.screenshot("empty");

  await light.name("Ada");
  await dark.name("Grace Hopper");
  await phone.name("עדה");
  for (let round = 0; round < 4; round += 1) {
    await dark.say(...Array.from({ length: 2 + (round * 7) % 5 }, (_, number) => `${round}.${number}`));
    await dark.page.waitForTimeout(800);
  }
  await light.say("Hello from the first tab.", "Does everybody see this?");
  await dark.texts("Does everybody see this?");
  await dark.say("Yes! 👋🏽 👩‍👩‍👧‍👦 🎉", "شكرا، هذه رسالة من اليمين إلى اليسار مع رقم 42.");
  await light.texts("شكرا، هذه رسالة من اليمين إلى اليسار مع رقم 42.");
  await light.say(`https://example.com/${"a/very/long/path/".repeat(6)}`);
  await phone.texts(`https://example.com/${"a/very/long/path/".repeat(6)}`);
  await phone.say("שלום לכולם", "Donaudampfschifffahrtsgesellschaftskapitän".repeat(2), "two\nlines");
  await light.texts("two\nlines");
  await light.say("And this is the last word.");
  for (const tab of [light, dark, phone]) {
    await tab.texts("And this is the last word.");
    assert.equal(await tab.isTooWide(), false);
    assert.deepEqual(await tab.barriers(), []);
  }
  assert.equal(await dark.page.evaluate(moving), 0, "for whoever wants no motion");
  assert.equal(await light.page.evaluate(moving), 1);
  await light.screenshot("light");
  await dark.screenshot("dark");
  await phone.screenshot("phone");
  await phone.page.setViewportSize({ width: 320, height: 640 });
  assert.equal(await phone.isTooWide(), false);

  const paper = (tab) => tab.page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const before = await paper(light);
  await light.page.click("#theme");
  assert.equal(await paper(light), await paper(dark));
  await light.page.reload();
  assert.equal(await paper(light), await paper(dark), "the choice is kept");
  await light.page.click("#theme");
  assert.equal(await paper(light), before);
});

/** How many things move while the page connects. */
function moving() {
  const state = document.getElementById("state");
  const { state: before } = state.dataset;
  state.dataset.state = "connecting";
  const count = document.getAnimations().length;
  state.dataset.state = before;
  return count;
}
