// A client of Centrifugo's client protocol (JSON, version 2), as small as this page needs it.

const RETRY_MIN_MS = 400;
const RETRY_MAX_MS = 15_000;
/** By then, whoever was asked has said something. */
const ANSWER_TIMEOUT_MS = 5_000;
/** From this close code on, that protocol has no client come back. */
const FINAL = 3500;

export class Client {
  /** What to hear from the next connection on: a name has its `onPublication` and `onRefused`. */
  channels = new Map();
  state = "connecting";
  /** How others see who publishes here: the server names each connection anew. */
  id;
  #url; #token; #onState; #socket; #pingMs; #silence; #retry;
  #unanswered = new Map();
  #lastId = 0;
  #losses = 0;

  /** `onState(state, detail)` hears: connecting; connected; waiting (ms); ended (why). */
  constructor(url, token, onState) {
    [this.#url, this.#token, this.#onState] = [url, token, onState];
  }

  /** Connects at once, if nothing is connected or under way. */
  connect() {
    if (this.#socket) return;
    clearTimeout(this.#retry);
    this.#become("connecting");
    [this.#socket, this.#pingMs] = [new WebSocket(this.#url), 0];
    this.#socket.onopen = () => this.request("connect", { token: this.#token, name: "page" })
      .then((connected) => this.#enter(connected), ({ message }) => this.#lose(FINAL, message));
    this.#socket.onmessage = ({ data }) => this.#hear(data.split("\n").map((line) => JSON.parse(line)));
    this.#socket.onclose = ({ code, reason }) => this.#lose(code, reason);
    this.#listen();
  }

  /** Sends a command and has its answer; a connection on which none comes in time is lost. */
  request(command, params) {
    return new Promise((resolve, reject) => {
      if (this.#socket?.readyState !== WebSocket.OPEN) return reject({ isLoss: true });
      this.#socket.send(JSON.stringify({ id: ++this.#lastId, [command]: params }));
      this.#unanswered.set(this.#lastId, { resolve, reject });
      if (this.#unanswered.size === 1) this.#listen();
    });
  }

  #enter({ client, ping, subs = {} }) {
    [this.id, this.#pingMs] = [client, ping * 1000];
    this.#become("connected");
    for (const [channel, { onRefused }] of this.channels) {
      if (channel in subs) continue; // A token has opened it.
      this.request("subscribe", { channel }).catch((error) => error.isLoss || onRefused(error));
    }
  }

  #hear(replies) {
    for (const { id, error, push, ...answer } of replies) {
      const asked = this.#unanswered.get(id);
      this.#unanswered.delete(id);
      if (push) this.channels.get(push.channel)?.onPublication(push.pub);
      else if (error) asked.reject(error);
      else if (asked) asked.resolve(Object.values(answer)[0]);
      else {
        this.#socket.send("{}");
        this.#losses = 0; // What has lasted until a ping was no failed attempt.
      }
    }
    this.#listen();
  }

  /** Whoever says nothing until an answer or a ping is overdue is gone. */
  #listen() {
    clearTimeout(this.#silence);
    const ms = ANSWER_TIMEOUT_MS + (this.#unanswered.size ? 0 : this.#pingMs);
    this.#silence = setTimeout(() => this.#lose(), ms);
  }

  #lose(code = 0, reason = "") {
    const socket = this.#socket;
    if (!socket) return;
    this.#socket = socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
    clearTimeout(this.#silence);
    for (const { reject } of this.#unanswered.values()) reject({ isLoss: true });
    this.#unanswered.clear();
    if (code >= FINAL && code < 4000) return this.#become("ended", reason);
    const ms = RETRY_MIN_MS + Math.random() * Math.min(RETRY_MAX_MS, RETRY_MIN_MS * 2 ** this.#losses++);
    this.#retry = setTimeout(() => this.connect(), ms);
    this.#become("waiting", ms);
  }

  #become(state, detail) {
    this.state = state;
    this.#onState(state, detail);
  }
}
