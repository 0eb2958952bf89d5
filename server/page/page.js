// Puts the page together: one connection, the chat and the house on it, and a word on its state.

import { Chat } from "./chat.js";
import { Client } from "./client.js";
import { House } from "./house.js";

const ROUND_TRIP_EVERY_MS = 5_000;
/** By then, what a new connection brings has been worked off. */
const FIRST_ROUND_TRIP_MS = 1_000;

const [box, skip, state, text, wait, retry] =
  ["message", "skip", "state", "state-text", "state-wait", "retry"].map((id) => document.getElementById(id));

const url = new URL("connection/websocket", document.baseURI);
url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
const token = tokenInAddress();

let hasConnected = false;
let countdown;

const client = new Client(url.href, token, become);
const chat = new Chat(client);
const house = new House(client);

/** For a server that asks for one. What follows # in an address is not sent to any server. */
function tokenInAddress() {
  return new URLSearchParams(location.hash.slice(1)).get("token") ?? undefined;
}

/** The connection's state has changed. */
function become(name, detail) {
  hasConnected ||= name === "connected";
  clearInterval(countdown);
  wait.textContent = "";
  retry.hidden = name !== "waiting" && name !== "ended";
  // While it is tried again, it is still lost.
  if (name !== "connecting" || !hasConnected) state.dataset.state = name;
  switch (name) {
    case "connecting":
      if (hasConnected) wait.textContent = "Trying …";
      break;
    case "connected":
      say("Connected");
      setTimeout(roundTrip, FIRST_ROUND_TRIP_MS);
      break;
    case "waiting":
      say(hasConnected ? "Connection lost." : "The server cannot be reached.");
      countDown(performance.now() + detail);
      break;
    case "ended":
      say(detail === "unauthorized"
        ? "This server asks for a token: add #token=… to the address of this page."
        : `The server ended the connection${detail && `: ${detail}`}.`);
      break;
  }
  chat.become(name);
  house.become(name);
}

/** A live region speaks when its text changes, so it is set only then. */
function say(what) {
  if (text.textContent !== what) text.textContent = what;
}

function countDown(until) {
  const show = () => {
    const seconds = Math.max(1, Math.ceil((until - performance.now()) / 1000));
    wait.textContent = `Trying again in ${seconds} s.`;
  };
  show();
  countdown = setInterval(show, 1000);
}

/** Measures, and finds out whether the connection is still one. */
async function roundTrip() {
  if (client.state !== "connected") return;
  const begun = performance.now();
  try {
    await client.request("ping", {});
  } catch (error) {
    if (error.isLoss) return;
  }
  house.roundTrip(performance.now() - begun);
}

/** Something happened that often comes with a new network: asks at once. */
function look() {
  if (client.state === "waiting") client.connect();
  else roundTrip();
}

setInterval(roundTrip, ROUND_TRIP_EVERY_MS);
addEventListener("offline", roundTrip);
for (const name of ["online", "focus"]) addEventListener(name, look);
addEventListener("hashchange", () => { if (tokenInAddress() !== token) location.reload(); });
retry.addEventListener("click", () => { client.connect(); box.focus(); });
// The address keeps its token.
skip.addEventListener("click", (event) => { event.preventDefault(); box.focus(); });
client.connect();
