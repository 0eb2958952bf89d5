// 50 clients of npm's `centrifuge` over 5 channels of a server that this starts itself (its binary is
// in $FANLIGHT): each sees all of its channel, in one order; all of them come back by themselves when
// the server is killed and started again; tokens are refreshed by the SDK's own means.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHmac } from "node:crypto";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { Centrifuge } from "centrifuge";
import WebSocket from "ws";

const CLIENTS = 50;
const CHANNELS = 5;
const ROUNDS = 20;
const SECRET = "a secret that a backend shares with this server";

/** Starts a server, and says at which port it listens. */
async function start(port, env = {}) {
  const server = spawn(process.env.FANLIGHT, ["--listen", `127.0.0.1:${port}`, "--shards", "2"], {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "inherit"],
  });
  process.once("exit", () => server.kill("SIGKILL"));
  for await (const line of createInterface({ input: server.stdout })) {
    const found = line.match(/ws:\/\/127\.0\.0\.1:(\d+)\/connection\/websocket/);
    if (found) return { server, port: Number(found[1]) };
  }
  throw new Error("the server did not start");
}

async function kill({ server }) {
  server.kill("SIGKILL");
  await once(server, "exit");
}

/** A client, and what its subscription to `channel` has heard. */
function join(port, channel, number) {
  const client = new Centrifuge(`ws://127.0.0.1:${port}/connection/websocket`, {
    websocket: WebSocket,
    minReconnectDelay: 50,
    maxReconnectDelay: 500,
  });
  const subscription = client.newSubscription(channel);
  const heard = [];
  let connected = 0;
  client.on("connected", () => (connected += 1));
  subscription.on("publication", ({ data, info }) => heard.push({ ...data, from: info.client }));
  subscription.subscribe();
  client.connect();
  return { number, channel, client, subscription, heard, timesConnected: () => connected };
}

/** Everyone says `ROUNDS` things, without waiting for each other. */
async function talk(peers, phase) {
  const before = peers.map((peer) => peer.heard.length);
  await Promise.all(
    peers.map(async ({ number, subscription }) => {
      for (let round = 0; round < ROUNDS; round += 1) {
        await subscription.publish({ phase, number, round, text: `häagen "${number}" \n ${round}` });
      }
    }),
  );
  const expected = (CLIENTS / CHANNELS) * ROUNDS;
  await until(() => peers.every((peer, at) => peer.heard.length - before[at] >= expected));
  for (let channel = 0; channel < CHANNELS; channel += 1) {
    const there = peers.filter((peer) => peer.number % CHANNELS === channel);
    const orders = there.map((peer) => peer.heard.slice(before[peer.number]));
    assert.equal(orders[0].length, expected, "each is heard once");
    for (const order of orders) assert.deepEqual(order, orders[0], "all hear one order");
    for (const { number, client } of there) {
      const own = orders[0].filter((said) => said.number === number);
      const rounds = own.map(({ round }) => round);
      assert.deepEqual(rounds, [...Array(ROUNDS).keys()], "what one says keeps its order");
      if (phase === 2) assert(own.every(({ from }) => from === client._client), "and its sender");
    }
  }
  return expected * peers.length;
}

async function until(isSo) {
  const begun = Date.now();
  while (!isSo()) {
    assert(Date.now() - begun < 20_000, "it does not come to that");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function crowd() {
  let house = await start(0);
  const { port } = house;
  const peers = Array.from({ length: CLIENTS }, (_, number) =>
    join(port, `room:${number % CHANNELS}`, number),
  );
  await Promise.all(peers.map(({ subscription }) => subscription.ready(20_000)));
  const first = await talk(peers, 1);
  console.log(`javascript: ${CLIENTS} clients over ${CHANNELS} channels heard ${first} publications, each channel in one order`);

  await kill(house);
  await until(() => peers.every(({ client }) => client.state === "connecting"));
  house = await start(port);
  await until(() => peers.every((peer) => peer.timesConnected() === 2));
  await Promise.all(peers.map(({ subscription }) => subscription.ready(20_000)));
  const second = await talk(peers, 2);
  console.log(`javascript: after a restart all ${CLIENTS} came back by themselves and heard ${second} more`);

  // What is refused is told, and harms nobody.
  const [{ client, subscription }] = peers;
  await assert.rejects(client.publish("elsewhere", 1), { code: 103 });
  await assert.rejects(client.rpc("method", {}), { code: 104 });
  await assert.rejects(subscription.presence(), { code: 108 });
  await assert.rejects(subscription.presenceStats(), { code: 108 });
  await assert.rejects(subscription.history({ limit: 1 }), { code: 108 });
  const secret = client.newSubscription("$secret", { getToken: async () => "nonsense" });
  secret.subscribe();
  const [{ code }] = await once(secret, "unsubscribed");
  assert.equal(code, 103);
  assert.equal(client.state, "connected");
  console.log("javascript: what is refused is refused with that protocol's codes");

  const left = peers.map(({ client }) => once(client, "disconnected"));
  for (const { client } of peers) client.disconnect();
  await Promise.all(left);
  await kill(house);
}

function token(claims) {
  const encode = (part) => Buffer.from(JSON.stringify(part)).toString("base64url");
  const body = `${encode({ alg: "HS256", typ: "JWT" })}.${encode(claims)}`;
  return `${body}.${createHmac("sha256", SECRET).update(body).digest("base64url")}`;
}

/** Tokens that last for two seconds, and have to be refreshed for the client to stay. */
async function guests() {
  const house = await start(0, { FANLIGHT_TOKEN_HMAC_SECRET: SECRET });
  let tokens = 0;
  let channelTokens = 0;
  const soon = () => Math.floor(Date.now() / 1000) + 2;
  const client = new Centrifuge(`ws://127.0.0.1:${house.port}/connection/websocket`, {
    websocket: WebSocket,
    getToken: async () => {
      tokens += 1;
      return token({ sub: "42", exp: soon(), channels: ["news"] });
    },
  });
  const news = once(client, "subscribed");
  const subscription = client.newSubscription("$secret", {
    getToken: async () => {
      channelTokens += 1;
      return token({ sub: "42", channel: "$secret", exp: soon() });
    },
  });
  const errors = [];
  client.on("error", (error) => errors.push(error));
  subscription.on("error", (error) => errors.push(error));
  let users = [];
  subscription.on("publication", ({ info }) => users.push(info.user));
  subscription.subscribe();
  client.connect();
  await subscription.ready(20_000);
  assert.equal((await news)[0].channel, "news");
  await until(() => tokens >= 3 && channelTokens >= 3);
  await subscription.publish("still here");
  await until(() => users.length === 1);
  assert.deepEqual(users, ["42"]);
  assert.equal(client.state, "connected");
  assert.deepEqual(errors, []);

  await late(house);

  const stranger = new Centrifuge(`ws://127.0.0.1:${house.port}/connection/websocket`, {
    websocket: WebSocket,
    token: token({ sub: "42" }).slice(0, -4) + "AAAA",
  });
  const turnedAway = once(stranger, "disconnected");
  stranger.connect();
  assert.equal((await turnedAway)[0].code, 3500);
  console.log("javascript: tokens let in, are refreshed, and a forged one is turned away");
  client.disconnect();
  await kill(house);
}

/** A client whose backend once answers with a token that has expired comes back by itself. */
async function late(house) {
  let tokens = 0;
  const client = new Centrifuge(`ws://127.0.0.1:${house.port}/connection/websocket`, {
    websocket: WebSocket,
    minReconnectDelay: 50,
    getToken: async () => {
      tokens += 1;
      return token({ sub: "42", exp: Math.floor(Date.now() / 1000) + (tokens === 2 ? -5 : 2) });
    },
  });
  const codes = [];
  client.on("connecting", ({ code }) => codes.push(code));
  client.on("disconnected", ({ code }) => codes.push(code));
  client.connect();
  await client.ready(20_000);
  await until(() => codes.length === 2);
  await client.ready(20_000);
  assert.deepEqual(codes, [0, 3005]);
  client.disconnect();
}

await crowd();
await guests();
process.exit(0);
