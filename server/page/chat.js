// The chat: what is said on one channel, and a box to say something.

const CHANNEL = "chat";
const SHOWN_MAX = 200;
const NAME_LENGTH_MAX = 40;
const TEXT_LENGTH_MAX = 2000;
/** What arrives within this time is drawn together. */
const DRAW_EVERY_MS = 30;
/** Who says more within this time is not named again. */
const SEQUEL_MS = 60_000;

const byId = (id) => document.getElementById(id);

export class Chat {
  #client;
  #log = byId("log");
  #list = byId("messages");
  #name = byId("name");
  #box = byId("message");
  #hint = byId("hint");
  #newer = byId("newer");
  /** What has not been drawn yet. */
  #arrived = [];
  #unseen = 0;
  #lostAt = null;
  /** The message before the one that is drawn next. */
  #previous = null;

  constructor(client) {
    this.#client = client;
    this.#name.value = remembered("name") ?? `Guest ${100 + Math.floor(Math.random() * 900)}`;
    this.#name.addEventListener("change", () => remember("name", this.#name.value.trim()));

    byId("compose").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#say();
    });
    this.#box.addEventListener("keydown", (event) => {
      // Enter also ends a composition of characters, as in Japanese.
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.#say();
    });
    this.#log.addEventListener("scroll", () => { if (this.#isAtEnd()) this.#newer.hidden = true; });
    this.#newer.addEventListener("click", () => { this.#toEnd(); this.#box.focus(); });
    document.addEventListener("visibilitychange", () => { if (!document.hidden) this.#count(0); });

    client.channels.set(CHANNEL, {
      onPublication: (publication) => this.#hear(publication),
      onRefused: ({ message }) => { this.#hint.textContent = `The server does not let this page into the chat: ${message}.`; },
    });
    this.become("connecting");
  }

  /** The connection's state has changed. */
  become(state) {
    const isConnected = state === "connected";
    byId("send").setAttribute("aria-disabled", String(!isConnected));
    if (isConnected) this.#found();
    else if (state !== "connecting" && !this.#lostAt) this.#lost();
  }

  #lost() {
    this.#lostAt = new Date();
    this.#hint.textContent = "No connection. What you type stays in the box until you can send it.";
  }

  #found() {
    const isKept = this.#box.value.trim() !== "";
    this.#hint.textContent = this.#lostAt && isKept ? "Connected again. Your message is still in the box." : "";
    if (this.#lostAt && this.#list.childElementCount) {
      const [from, to] = [this.#lostAt, new Date()].map(clock);
      this.#arrived.push({ divider: `No connection from ${from} to ${to}. What was said meanwhile is missing.` });
      this.#drawSoon();
    }
    this.#lostAt = null;
  }

  async #say() {
    const text = this.#box.value.trim();
    if (!text) return;
    if (this.#client.state !== "connected") {
      // Emptied first, or a screen reader would not say it again.
      this.#hint.textContent = "";
      setTimeout(() => { this.#hint.textContent = "Not sent, for want of a connection. Your message stays in the box."; });
      return;
    }
    this.#box.value = "";
    this.#hint.textContent = "";
    const name = this.#name.value.trim() || "Guest";
    try {
      await this.#client.request("publish", { channel: CHANNEL, data: { name, text } });
    } catch (error) {
      // What was typed since then comes after it.
      this.#box.value = [text, this.#box.value].filter(Boolean).join("\n");
      this.#hint.textContent = error.isLoss
        ? "The connection was lost before the server answered. Your message is back in the box; it may have arrived."
        : `The server did not take it: ${error.message}. Your message is back in the box.`;
    }
  }

  /** Anybody can publish anything: what is no message of this chat is not shown. */
  #hear({ data, info }) {
    const { name, text } = Object(data);
    if (typeof text !== "string" || typeof name !== "string" || !text.trim()) return;
    this.#arrived.push({
      name: cut(name.trim() || "Guest", NAME_LENGTH_MAX),
      text: cut(text, TEXT_LENGTH_MAX),
      isOwn: info?.client === this.#client.id,
      at: new Date(),
    });
    if (this.#arrived.length > SHOWN_MAX) this.#arrived.shift();
    this.#drawSoon();
  }

  #drawSoon() {
    if (this.#arrived.length === 1) setTimeout(() => this.#draw(), DRAW_EVERY_MS);
  }

  #draw() {
    const wasAtEnd = this.#isAtEnd();
    const arrived = this.#arrived.splice(0);
    for (const message of arrived) {
      this.#list.append(element(message, isSequel(message, this.#previous)));
      this.#previous = message;
    }
    while (this.#list.childElementCount > SHOWN_MAX) this.#list.firstElementChild.remove();
    if (wasAtEnd || arrived.some(({ isOwn }) => isOwn)) this.#toEnd();
    else this.#newer.hidden = false;
    if (document.hidden) this.#count(this.#unseen + arrived.length);
  }

  #isAtEnd() {
    return this.#log.scrollHeight - this.#log.scrollTop - this.#log.clientHeight < 40;
  }

  #toEnd() {
    this.#log.scrollTop = this.#log.scrollHeight;
    this.#newer.hidden = true;
  }

  /** How many messages came while the tab was hidden stands in its title. */
  #count(unseen) {
    this.#unseen = unseen;
    document.title = unseen ? `(${unseen}) Fanlight` : "Fanlight";
  }
}

/** Whether it goes on with what the same one said just before. */
function isSequel(message, previous) {
  return previous?.name === message.name && previous?.isOwn === message.isOwn && message.at - previous.at < SEQUEL_MS;
}

function element({ divider, name, text, isOwn, at }, isSequel) {
  const item = document.createElement("li");
  if (divider) {
    item.className = "divider";
    item.textContent = divider;
    return item;
  }
  item.classList.toggle("own", isOwn);
  item.classList.toggle("sequel", isSequel);
  const [head, who, when, what] = ["p", "bdi", "time", "p"].map((tag) => document.createElement(tag));
  head.className = "head";
  who.textContent = name;
  who.style.setProperty("--hue", hue(name));
  when.textContent = clock(at);
  when.dateTime = at.toISOString();
  what.className = "text";
  what.dir = "auto";
  what.textContent = text;
  head.append(who, isOwn ? " (you) " : " ", when);
  item.append(head, what);
  return item;
}

/** A name keeps its colour. */
function hue(name) {
  let hash = 0;
  for (const char of name) hash = (hash * 31 + char.codePointAt(0)) % 360;
  return hash;
}

function cut(text, lengthMax) {
  return text.length > lengthMax ? `${text.slice(0, lengthMax)}…` : text;
}

function clock(at) {
  return at.toLocaleTimeString("en-GB");
}

/** A name lasts as long as its tab, so that two tabs are two people. */
function remembered(key) {
  try { return sessionStorage.getItem(key); } catch { return null; }
}

function remember(key, value) {
  try { sessionStorage.setItem(key, value); } catch { /* The browser stores nothing: so be it. */ }
}
