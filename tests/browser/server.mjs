// The server under test: started, killed, and started again at the same address.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";

const START_MAX_MS = 10_000;

export class Server {
  #child;
  #env;
  /** Where the page is, once the server has been started. */
  url;
  isUp = false;

  constructor(env = {}) {
    this.#env = env;
  }

  async start() {
    const address = this.url ? new URL(this.url).host : "127.0.0.1:0";
    const args = ["--listen", address, "--shards", "2", "--drain-over", "0s", "--drain-timeout", "1s"];
    this.#child = spawn(process.env.FANLIGHT_BINARY, args, {
      env: { ...process.env, ...this.#env },
      stdio: ["ignore", "pipe", "inherit"],
    });
    const greeting = (async () => {
      for await (const line of createInterface({ input: this.#child.stdout })) {
        const url = line.match(/http:\/\/\S+\//)?.[0];
        if (url) return url;
      }
      throw new Error("the server ended without a greeting");
    })();
    this.url = await Promise.race([
      greeting,
      sleep(START_MAX_MS, undefined, { ref: false }).then(() => { throw new Error("no greeting"); }),
    ]);
    this.isUp = true;
  }

  /** Goes without a word to anybody, as in a crash. */
  async kill() {
    const ended = once(this.#child, "exit");
    this.#child.kill("SIGKILL");
    await ended;
    this.isUp = false;
  }
}
