// A client of Centrifugo's client protocol (JSON, version 2), as small as this page needs it.

const RETRY_MIN_MS = 400;
const RETRY_MAX_MS = 15_000;
const ANSWER_TIMEOUT_MS = 5_000;
/** The error for a channel that a token has opened already. */
const ALREADY_SUBSCRIBED = 105;
/** A connection that lasted this long begins the back-off anew when it is lost. */
const STEADY_MS = 5_000;

/** The first of the close codes after which that protocol has no client come back. */
const FINAL = 3500;
const isFinal = (code) => (code >= FINAL && code < 4000) || (code >= 4500 && code < 5000);

export class Client {
  #url; #token; #onState; #socket; #steady; #silence; #retry;
  #channels = new Map();
  #unanswered = new Map();
  #lastId = 0;
  #losses = 0;
  #pingMs = 0;
  state = "connecting";
  /** How others see who publishes here: the server names each connection anew. */
  id;

  /** `onState(state, detail)` hears: connecting; connected; waiting (ms); ended (why). */
  constructor(url, token, onState) {
    [this.#url, this.#token, this.#onState] = [url, token, onState];
  }

  /** Hears a channel, now and after each reconnection. */
  subscribe(channel, { onPublication, onRefused }) {
    this.#channels.set(channel, { onPublication, onRefused });
    if (this.state === "connected") this.#join(channel);
  }

  /** Connects at once, if nothing is connected or under way. */
  connect() {
    if (this.#socket) return;
    clearTimeout(this.#retry);
    this.#become("connecting");
    this.#socket = new WebSocket(this.#url);
    this.#listen(ANSWER_TIMEOUT_MS);
    this.#socket.onopen = () => this.request("connect", { token: this.#token, name: "page" }).then(
      ({ client, ping = 0 }) => {
        this.id = client;
        this.#pingMs = ping * 1000;
        this.#steady = setTimeout(() => { this.#losses = 0; }, STEADY_MS);
        this.#become("connected");
        for (const channel of this.#channels.keys()) this.#join(channel);
      },
      (error) => error.isLoss || this.#lose(error.temporary ? 0 : FINAL, error.message),
    );
    this.#socket.onmessage = ({ data }) => {
      this.#listen(this.#pingMs && this.#pingMs + ANSWER_TIMEOUT_MS);
      for (const line of data.split("\n")) if (line) this.#take(JSON.parse(line));
    };
    this.#socket.onclose = ({ code, reason }) => this.#lose(code, reason);
  }

  /** Sends a command. Its answer must come in time, or the connection counts as lost. */
  request(command, params) {
    return new Promise((resolve, reject) => {
      if (this.#socket?.readyState !== WebSocket.OPEN) return reject({ isLoss: true });
      const id = ++this.#lastId;
      const timer = setTimeout(() => this.#lose(), ANSWER_TIMEOUT_MS);
      this.#unanswered.set(id, { command, resolve, reject, timer });
      this.#socket.send(JSON.stringify({ id, [command]: params }));
    });
  }

  #join(channel) {
    this.request("subscribe", { channel }).catch((error) => {
      if (error.temporary) this.#lose();
      else if (!error.isLoss && error.code !== ALREADY_SUBSCRIBED) this.#channels.get(channel).onRefused(error);
    });
  }

  #take(reply) {
    const { id, error, push } = reply;
    if (push?.pub) this.#channels.get(push.channel)?.onPublication(push.pub);
    else if (push?.unsubscribe) this.#channels.get(push.channel)?.onRefused(push.unsubscribe);
    else if (!push && !id) this.#socket.send("{}");
    const asked = this.#unanswered.get(id);
    if (!asked) return;
    this.#unanswered.delete(id);
    clearTimeout(asked.timer);
    error ? asked.reject(error) : asked.resolve(reply[asked.command] ?? {});
  }

  /** Whoever says nothing for so long is gone; 0 waits for ever. */
  #listen(ms) {
    clearTimeout(this.#silence);
    if (ms) this.#silence = setTimeout(() => this.#lose(), ms);
  }

  #lose(code = 0, reason = "") {
    const socket = this.#socket;
    if (!socket) return;
    this.#socket = socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
    for (const timer of [this.#steady, this.#silence]) clearTimeout(timer);
    for (const { reject, timer } of this.#unanswered.values()) { clearTimeout(timer); reject({ isLoss: true }); }
    this.#unanswered.clear();
    if (isFinal(code)) return this.#become("ended", reason);
    const ms = RETRY_MIN_MS + Math.random() * Math.min(RETRY_MAX_MS, RETRY_MIN_MS * 2 ** this.#losses++);
    this.#retry = setTimeout(() => this.connect(), ms);
    this.#become("waiting", ms);
  }

  #become(state, detail) {
    this.state = state;
    this.#onState(state, detail);
  }
}
