// What a room was like: columns as the edge tells them, and what follows from them.

import { read } from "./api.js";

export const SPANS = {
  "5 min": { span: "close", millis: 5 * 60e3 },
  "30 min": { span: "close", millis: 30 * 60e3 },
  "24 h": { span: "far", millis: 24 * 3600e3 },
};

const MOST = { close: 900, far: 1440 };
// Counts of so long are told as a rate: what happens within one step jumps.
const SMOOTH = { close: 10e3, far: 60e3 };

export class History {
  constructor(room, span) {
    Object.assign(this, { room, span, step: 2000, now: 0, columns: { at: [] } });
  }

  async refresh() {
    const after = this.columns.at.at(-1) || 0;
    const { value } = await read(`rooms/${encodeURIComponent(this.room)}/history?span=${this.span}&after=${after}`);
    this.now = value.now;
    this.step = value.step_seconds * 1000;
    for (const [name, column] of Object.entries(value)) {
      if (!Array.isArray(column)) continue;
      const all = (this.columns[name] || []).concat(column);
      this.columns[name] = all.slice(-MOST[this.span]);
    }
  }

  get at() { return this.columns.at; }

  column(name) { return this.columns[name] || []; }

  // What was counted over the last moments up to each, and how long those were.
  counted(name) {
    const column = this.column(name), at = this.at, from = SMOOTH[this.span];
    return at.map((moment, index) => {
      if (typeof column[index] !== "number") return null;
      let sum = 0, first = index;
      for (; first >= 0 && at[first] > moment - from; first -= 1) sum += column[first] || 0;
      const before = first >= 0 && moment - at[first] < 2 * from ? at[first] : moment - this.step * Math.max(1, index - first);
      return { sum, millis: Math.max(this.step, moment - before) };
    });
  }

  perMinute(name) {
    return this.counted(name).map((count) => count && (count.sum * 60e3) / count.millis);
  }

  share(name, of) {
    const all = this.counted(of);
    return this.counted(name).map((count, index) => (count && all[index]?.sum ? count.sum / all[index].sum : null));
  }
}
