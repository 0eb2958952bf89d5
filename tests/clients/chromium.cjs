// Chromium against an echo: each thing that is tried, and what came of it. A browser always offers
// permessage-deflate; it can neither fragment nor ping.
const { chromium } = require("playwright-core");

const [url, deflate] = process.argv.slice(2);
const say = (name, result) => console.log(`${name} ${result}`);

/** Runs in the page. */
const talk = async (url) => {
  const results = {};
  const socket = new WebSocket(url);
  socket.binaryType = "arraybuffer";
  const once = (event) =>
    new Promise((resolve, reject) => {
      socket.addEventListener(event, resolve, { once: true });
      socket.addEventListener("error", () => reject(new Error("the socket failed")), { once: true });
    });
  await once("open");
  results.extensions = socket.extensions;
  for (const size of [0, 1, 125, 126, 1 << 16, 1 << 20]) {
    const text = "fan\u00e9light ".repeat(size / 10 + 1).slice(0, size);
    const bytes = Uint8Array.from(text, (character) => character.charCodeAt(0));
    let echoed = once("message");
    socket.send(text);
    results[`text of ${size}`] = (await echoed).data === text;
    echoed = once("message");
    socket.send(bytes);
    const got = new Uint8Array((await echoed).data);
    results[`binary of ${size}`] = got.length === size && got.every((byte, at) => byte === bytes[at]);
  }
  const closed = once("close");
  socket.close(3000, "bye");
  const { code, wasClean } = await closed;
  results["close code"] = code === 3000 && wasClean;
  return results;
};

(async () => {
  const browser = await chromium.launch({
    executablePath: process.env.FANLIGHT_CHROMIUM,
    args: ["--no-sandbox"],
  });
  try {
    const page = await browser.newPage();
    // A page of the server's own, so that no other origin asks.
    await page.goto(new URL("/", url.replace("ws:", "http:")).href);
    const { extensions, ...results } = await page.evaluate(talk, url);
    say("negotiated", extensions.startsWith("permessage-deflate") === (deflate === "on") ? "ok" : extensions || "nothing");
    for (const [name, isOk] of Object.entries(results)) say(name, isOk ? "ok" : "differs");
    say("fragments", "-");
    say("ping", "-");
  } finally {
    await browser.close();
  }
})();
