// The live house: the figures that each shard counts, once a second, and a minute of them drawn.

const CHANNEL = "fanlight:stats";
/** How much of the past is drawn. */
const SHOWN_SECONDS = 60;
/** A line has a gap where nothing was told for so long. */
const GAP_SECONDS = 2.5;

const byId = (id) => document.getElementById(id);
const sum = (shards, figure) => shards.reduce((total, shard) => total + shard[figure], 0);

export class House {
  /** The publication before this one: rates are what lies between. */
  #last = null;
  /** Messages a second in and out, and when they were told: the latest last. */
  #samples = [];
  #rows = [];
  #note = byId("house-note");

  constructor(client) {
    client.channels.set(CHANNEL, {
      onPublication: ({ data }) => this.#take(data),
      onRefused: () => this.#rest("The figures are told to the server’s own machine only."),
    });
  }

  /** The connection's state has changed. */
  become(state) {
    if (!this.#last || (state !== "waiting" && state !== "ended")) return;
    this.#rest(`As of ${new Date().toLocaleTimeString("en-GB")}: no connection.`);
  }

  /** How long this page's own question and its answer took. */
  roundTrip(ms) {
    byId("round-trip").textContent = ms < 10 ? `${ms.toFixed(1)}\u00a0ms` : `${Math.round(ms)}\u00a0ms`;
  }

  #rest(why) {
    document.body.classList.add("is-stale");
    this.#note.textContent = why;
    this.#last = null;
  }

  #take({ at_ms: atMs, shards }) {
    document.body.classList.remove("is-stale");
    this.#note.textContent = "";
    const rates = this.#rates(atMs, shards);
    this.#last = { atMs, shards };

    show("connections", count(sum(shards, "open")));
    show("topics", count(sum(shards, "homes")));
    show("queued", bytes(sum(shards, "frame_bytes")));
    this.#fill(shards, rates);
    if (!rates) return;

    const now = performance.now() / 1000;
    const sample = { at: now, in: sum(rates, "in"), out: sum(rates, "out") };
    show("in", rate(sample.in));
    show("out", rate(sample.out));
    this.#samples = [...this.#samples.filter(({ at }) => now - at < SHOWN_SECONDS), sample];
    this.#draw(now);
  }

  /** A shard's messages a second since the last publication; none if the server is another one. */
  #rates(atMs, shards) {
    const last = this.#last;
    const seconds = last && (atMs - last.atMs) / 1000;
    if (!(seconds > 0) || last.shards.length !== shards.length) return null;
    const rates = shards.map((shard, index) => ({
      in: (shard.received_messages - last.shards[index].received_messages) / seconds,
      out: (shard.deliveries - last.shards[index].deliveries) / seconds,
    }));
    return rates.every((each) => each.in >= 0 && each.out >= 0) ? rates : null;
  }

  #fill(shards, rates) {
    if (this.#rows.length !== shards.length) {
      this.#rows = shards.map(row);
      byId("shards").replaceChildren(...this.#rows.map(({ line }) => line));
    }
    for (const [index, { cells }] of this.#rows.entries()) {
      const shard = shards[index];
      const values = [
        count(shard.open),
        count(shard.homes),
        rates ? rate(rates[index].in) : "–",
        rates ? rate(rates[index].out) : "–",
        bytes(shard.frame_bytes),
      ];
      values.forEach((value, column) => { cells[column].textContent = value; });
    }
  }

  #draw(now) {
    const runs = split(this.#samples);
    const peaks = ["in", "out"].map((figure) => Math.max(...this.#samples.map((sample) => sample[figure])));
    const top = roundedUp(Math.max(...peaks));
    const point = (figure) => (sample) =>
      `${(SHOWN_SECONDS - (now - sample.at)).toFixed(2)} ${(100 - (sample[figure] / top) * 100).toFixed(2)}`;
    ["in", "out"].forEach((figure, index) => {
      show(`${figure}-peak`, rate(peaks[index]));
      // A run of one is a dot.
      draw(`${figure}-line`, runs.map((run) => `M${run.map(point(figure)).join("L")}h0`));
    });
    draw("out-area", runs.map((run) => {
      const [from, to] = [run[0], run.at(-1)].map((sample) => point("out")({ ...sample, out: 0 }));
      return `M${from}L${run.map(point("out")).join("L")}L${to}z`;
    }));
    show("y-top", short.format(top));
    show("y-middle", short.format(top / 2));
  }
}

/** The samples, apart where there is a gap. */
function split(samples) {
  const runs = [];
  for (const [index, sample] of samples.entries()) {
    if (index === 0 || sample.at - samples[index - 1].at > GAP_SECONDS) runs.push([]);
    runs.at(-1).push(sample);
  }
  return runs;
}

function draw(id, paths) {
  byId(id).setAttribute("d", paths.join(""));
}

function row(_, index) {
  const line = document.createElement("tr");
  const name = document.createElement("th");
  name.scope = "row";
  name.textContent = index;
  const cells = Array.from({ length: 5 }, () => document.createElement("td"));
  line.append(name, ...cells);
  return { line, cells };
}

/** The next of 10, 20, 50, 100, 200, …: a scale that does not jump with each sample. */
function roundedUp(value) {
  const power = 10 ** Math.floor(Math.log10(Math.max(value, 10)));
  return [1, 2, 5, 10].map((step) => step * power).find((step) => step >= value);
}

function show(id, text) {
  byId(id).textContent = text;
}

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const tenths = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });
const short = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });

function count(value) {
  return value < 100_000 ? whole.format(value) : short.format(value);
}

/** A rate below ten has a decimal, unless that is 0. */
function rate(value) {
  return value < 10 ? tenths.format(value) : count(value);
}

function bytes(value) {
  const units = ["B", "KiB", "MiB", "GiB"];
  const power = Math.min(Math.floor(Math.log2(Math.max(value, 1)) / 10), units.length - 1);
  return `${(value / 1024 ** power).toFixed(power ? 1 : 0)}\u00a0${units[power]}`;
}
