// A room in figures: what is so now, the plots, and the same as a table.

import { el, write } from "./dom.js";
import { SPANS } from "./history.js";
import { Plot } from "./plots.js";
import { clock, compact, duration, millis, number, percent, range } from "./words.js";

const column = (name) => (history) => history.column(name);
const perMinute = (name) => (history) => history.perMinute(name);
const a = (format) => (value) => (typeof value === "number" ? format(value) : "–");

const PLOTS = [
  { id: "arrivals", title: "Arrivals a minute", format: number, axis: compact, lines: [{ name: "Joined", of: perMinute("joined") }] },
  { id: "waiting", title: "Waiting", format: number, axis: compact, lines: [{ name: "In line", of: column("waiting") }] },
  {
    id: "active", title: "Inside", format: number, axis: compact,
    lines: [{ name: "Sessions", of: column("active") }, { name: "Places", of: column("max_active") }],
  },
  {
    id: "drain", title: "Drain a minute", format: number, axis: compact,
    lines: [
      { name: "Used", of: perMinute("given") },
      { name: "Allowed", of: column("allowed_per_minute") },
      { name: "Configured", of: column("configured_per_minute") },
    ],
  },
  {
    id: "wait", title: "How long fans waited", format: duration, least: 10,
    lines: [
      { name: "Half", of: column("wait_p50_seconds") },
      { name: "9 of 10", of: column("wait_p90_seconds") },
      { name: "99 of 100", of: column("wait_p99_seconds") },
    ],
  },
  { id: "lapsed", title: "No-shows a minute", format: number, axis: compact, lines: [{ name: "Turns not taken", of: perMinute("lapsed") }] },
  {
    id: "latency", title: "The shop answers in", format: millis, least: 10,
    lines: [{ name: "Half", of: column("origin_p50_ms") }, { name: "95 of 100", of: column("origin_p95_ms") }],
  },
  {
    id: "errors", title: "The shop fails", format: percent, least: 0.01,
    lines: [{ name: "Of its answers", of: (history) => history.share("origin_failed", "origin_requests") }],
  },
];

const ROWS = 10;

export class Figures {
  constructor(onSpan) {
    this.tiles = {};
    const tile = (id, words) => {
      this.tiles[id] = el("dd", { "data-testid": id });
      return el("div", {}, el("dt", {}, words), this.tiles[id]);
    };
    this.tileList = el("dl", { class: "tiles" },
      tile("waiting", "Waiting"), tile("last", "The last of them waits"), tile("active", "Inside"),
      tile("arrivals", "Arrivals a minute"), tile("used", "Let in a minute"), tile("joined", "Joined, in all"));
    this.cursor = el("p", { class: "soft", "aria-hidden": "true" });
    this.plots = PLOTS.map((plot) => new Plot(plot, (moment) => this.point(moment)));
    this.spans = el("fieldset", { class: "spans" }, el("legend", { class: "unseen" }, "How far back"),
      Object.keys(SPANS).map((words, index) => el("label", {},
        el("input", { type: "radio", name: "span", value: words, checked: index === 0, onchange: () => onSpan(words) }),
        el("span", {}, words))));
    this.body = el("tbody");
    const heads = ["Time", "Arrivals a minute", "Waiting", "Inside", "Let in a minute", "9 of 10 waited", "No-shows a minute",
      "Shop, 95 of 100", "Shop fails"];
    this.table = el("details", {}, el("summary", { "data-testid": "as-table" }, "The same as a table"),
      el("div", { class: "scrolls", tabindex: 0, role: "region", "aria-label": "The figures as a table" },
        el("table", {}, el("thead", {}, el("tr", {}, heads.map((head) => el("th", { scope: "col" }, head)))), this.body)));
    this.element = el("section", { class: "figures", "aria-labelledby": "figures-heading" },
      el("div", { class: "row" }, el("h2", { id: "figures-heading", tabindex: -1 }, "How it goes"), this.cursor, this.spans),
      el("div", { class: "plots" }, this.plots.map((plot) => plot.element)),
      el("p", { class: "soft" }, "Waits and the shop are what this edge saw; everything else is of the whole fleet."),
      this.table);
  }

  point(moment) {
    write(this.cursor, moment === null ? "" : `at ${clock(moment)}`);
    for (const plot of this.plots) plot.point(moment);
  }

  showRoom(room) {
    const inside = room.active + room.turns;
    write(this.tiles.waiting, number(room.waiting));
    write(this.tiles.active, `${number(inside)} of ${number(room.configuration.max_active)}`);
    write(this.tiles.joined, number(room.joined_total));
  }

  showLast(effect) {
    const { last_low_seconds: low, last_high_seconds: high } = effect;
    write(this.tiles.last, typeof low === "number" ? range(low, high) : "nobody gets in");
  }

  showHistory(history, span) {
    const { millis: length } = SPANS[span];
    const rate = (name) => a((value) => number(Math.round(value)))(history.perMinute(name).at(-1));
    write(this.tiles.arrivals, rate("joined"));
    write(this.tiles.used, rate("given"));
    for (const plot of this.plots) plot.show(history, length, span);
    if (this.table.open) this.showTable(history, length);
  }

  showTable(history, length) {
    const columns = {
      joined: history.perMinute("joined"), given: history.perMinute("given"), lapsed: history.perMinute("lapsed"),
      failed: history.share("origin_failed", "origin_requests"),
    };
    const every = length / ROWS;
    const rows = Array.from({ length: ROWS }, (_, row) => history.at.findLastIndex((moment) => moment <= history.now - row * every));
    const indexes = [...new Set(rows)].filter((index) => index >= 0);
    const value = (name, index) => history.column(name)[index] ?? undefined;
    this.body.replaceChildren(...indexes.map((index) => el("tr", {},
      el("th", { scope: "row" }, clock(history.at[index])),
      [
        number(columns.joined[index]), number(value("waiting", index)), number(value("active", index)), number(columns.given[index]),
        duration(value("wait_p90_seconds", index)), number(columns.lapsed[index]), millis(value("origin_p95_ms", index)),
        percent(columns.failed[index]),
      ].map((text) => el("td", {}, text)))));
  }
}
