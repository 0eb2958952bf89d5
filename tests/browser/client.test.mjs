// The page's own client, spoken to by a server that the test plays.

import assert from "node:assert/strict";
import { test } from "node:test";

import { stage } from "./stage.mjs";

const { open } = stage();

test("it comes back after longer and longer, and by chance, so not at the same time as others", { timeout: 60_000 }, async () => {
  const tab = await open();
  assert.deepEqual(await tab.page.evaluate(waits, 0), Array(10).fill(400));
  assert.deepEqual(await tab.page.evaluate(waits, 1), [800, 1200, 2000, 3600, 6800, 13_200, 15_400, 15_400, 15_400, 800]);
});

/**
 * How long a client waits, in milliseconds, after losing each of its connections, of which only the last was good
 * for a while, if chance is always like that.
 */
async function waits(random) {
  const { Client } = await import("/page/client.js");
  const [chance, Socket] = [Math.random, globalThis.WebSocket];
  let latest;
  Math.random = () => random;
  globalThis.WebSocket = class {
    constructor() { latest = this; }
    send() {}
    close() {}
  };
  const waited = [];
  const client = new Client("ws://nowhere", undefined, (state, detail) => { if (state === "waiting") waited.push(detail); });
  for (let losses = 0; losses < 9; losses += 1) {
    client.connect();
    latest.onclose({ code: 1006, reason: "" });
  }
  client.connect();
  latest.onmessage({ data: "{}" });
  latest.onclose({ code: 1006, reason: "" });
  client.connect();
  latest.onclose({ code: 3500, reason: "" });
  [Math.random, globalThis.WebSocket] = [chance, Socket];
  return waited;
}

test("it speaks the protocol as that has it: batches, pings, and ends that are final", { timeout: 60_000 }, async () => {
  const said = [];
  let connections = 0;
  let socket;
  const tab = await open({
    prepare: (page) => page.routeWebSocket(/websocket/, (routed) => {
      socket = routed;
      connections += 1;
      routed.onMessage((message) => {
        for (const command of message.split("\n").map((line) => JSON.parse(line))) {
          said.push(command);
          if (command.id) routed.send(JSON.stringify({ id: command.id, ...answer(command) }));
        }
      });
    }),
  });
  await tab.state("connected");
  assert.deepEqual(Object.keys(said[0]), ["id", "connect"]);
  await tab.page.waitForFunction(() => document.getElementById("house-note").textContent.includes("own machine only"));
  const pub = (text) => JSON.stringify({ push: { channel: "chat", pub: { data: { name: "B", text } } } });
  socket.send([pub("one"), "{}", pub("two")].join("\n"));
  assert.deepEqual(await tab.texts("two"), ["one", "two"]);
  assert.equal(said.filter((command) => Object.keys(command).length === 0).length, 1, "one pong");

  await socket.close({ code: 3501, reason: "bad request" });
  assert.equal(await tab.state("ended"), "The server ended the connection: bad request.");
  await tab.page.waitForTimeout(1500);
  assert.equal(connections, 1);
  await tab.page.click("#retry");
  await tab.state("connected");
  assert.equal(connections, 2);
});

/** What the server says to a command: the figures are not for everybody. */
function answer(command) {
  const kind = Object.keys(command).find((key) => key !== "id");
  if (kind === "connect") return { connect: { client: "c", ping: 25, pong: true } };
  if (command.subscribe?.channel === "fanlight:stats") return { error: { code: 103, message: "permission denied" } };
  return { [kind]: {} };
}
