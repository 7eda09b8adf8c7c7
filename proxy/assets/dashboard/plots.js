// Lines over time, as SVG. Each plot says in words what it shows.

import { attribute, el, svg, write } from "./dom.js";
import { clock } from "./words.js";

const HEIGHT = 132, LEFT = 46, RIGHT = 10, TOP = 8, BOTTOM = 20;
// Beyond so many steps without a sample nothing is known of the time between.
const GAP = 4;
// The shortest time that is drawn.
const LEAST = 60e3;

// The least round number that is no less.
function round(most) {
  const ten = 10 ** Math.floor(Math.log10(most));
  return [1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10].map((step) => step * ten).find((step) => step >= most * 0.999);
}

const last = (values) => values.findLast((value) => typeof value === "number");

export class Plot {
  // `lines`: [{ name, of: (history) => values }]; `format` for values, `axis` for the scale.
  constructor({ id, title, lines, format, axis = format, least = 4 }, onPoint) {
    Object.assign(this, { id, title, lines, format, axis, least, width: 0, cursor: null });
    this.values = lines.map(() => []);
    this.told = lines.map(() => el("strong", { "data-testid": `value-${id}` }));
    this.picture = svg("svg", { role: "img", height: HEIGHT, "aria-label": title });
    const legend = lines.map(({ name }, index) => el("li", {},
      svg("svg", { class: "swatch", width: 22, height: 8, "aria-hidden": "true" },
        svg("line", { class: `line l${index}`, x1: 1, x2: 21, y1: 4, y2: 4 })),
      `${name} `, this.told[index]));
    this.element = el("figure", { class: "plot", "data-testid": `plot-${id}` },
      el("figcaption", {}, el("h3", {}, title), el("ul", { class: "legend" }, legend)), this.picture);
    this.picture.addEventListener("pointermove", (event) => onPoint(this.momentAt(event)));
    this.picture.addEventListener("pointerleave", () => onPoint(null));
    new ResizeObserver(() => {
      const width = Math.floor(this.picture.getBoundingClientRect().width);
      if (width === this.width) return;
      this.width = width;
      this.draw();
    }).observe(this.picture);
  }

  momentAt(event) {
    const x = event.clientX - this.picture.getBoundingClientRect().left;
    const share = (x - LEFT) / (this.width - LEFT - RIGHT);
    return this.from + Math.min(1, Math.max(0, share)) * (this.to - this.from);
  }

  show(history, millis, spanWords) {
    this.to = history.now;
    // An edge that began lately knows nothing of before.
    this.from = Math.max(history.now - millis, Math.min(history.at[0] ?? 0, history.now - LEAST));
    this.step = history.step;
    const first = history.at.findIndex((moment) => moment >= this.from);
    this.at = first < 0 ? [] : history.at.slice(first);
    this.values = this.lines.map(({ of }) => (first < 0 ? [] : of(history).slice(first)));
    this.spanWords = spanWords;
    this.draw();
  }

  point(moment) {
    this.cursor = moment;
    this.draw();
  }

  // The sample at the cursor.
  index() {
    if (this.cursor === null) return -1;
    let best = -1;
    this.at.forEach((moment, index) => {
      if (best < 0 || Math.abs(moment - this.cursor) < Math.abs(this.at[best] - this.cursor)) best = index;
    });
    return best;
  }

  describe() {
    const parts = this.lines.map(({ name }, index) => {
      const known = this.values[index].filter((value) => typeof value === "number");
      if (!known.length) return `${name}: nothing known`;
      const [low, high] = [Math.min(...known), Math.max(...known)];
      return `${name}: ${this.format(last(this.values[index]))} now, between ${this.format(low)} and ${this.format(high)}`;
    });
    return `${this.title}, the last ${this.spanWords}. ${parts.join(". ")}.`;
  }

  draw() {
    if (!this.at) return;
    const at = this.index();
    this.values.forEach((values, index) => {
      const value = at < 0 ? values.at(-1) : values[at];
      write(this.told[index], this.format(typeof value === "number" ? value : undefined));
    });
    attribute(this.picture, "aria-label", this.describe());
    if (this.width <= LEFT + RIGHT) return;
    const known = this.values.flat().filter((value) => typeof value === "number");
    const top = round(Math.max(this.least, ...known));
    const x = (moment) => LEFT + ((moment - this.from) / (this.to - this.from)) * (this.width - LEFT - RIGHT);
    const y = (value) => TOP + (1 - value / top) * (HEIGHT - TOP - BOTTOM);
    const parts = [...this.scale(top, y), ...this.times(x)];
    this.values.forEach((values, index) => parts.push(svg("path", { class: `line l${index}`, d: this.path(values, x, y) })));
    if (at >= 0) parts.push(svg("line", { class: "cursor", x1: x(this.at[at]), x2: x(this.at[at]), y1: TOP, y2: HEIGHT - BOTTOM }));
    attribute(this.picture, "viewBox", `0 0 ${this.width} ${HEIGHT}`);
    this.picture.replaceChildren(...parts);
  }

  scale(top, y) {
    return [0, top / 2, top].flatMap((value) => [
      svg("line", { class: "grid", x1: LEFT, x2: this.width - RIGHT, y1: y(value), y2: y(value) }),
      svg("text", { class: "tick", x: LEFT - 6, y: y(value) + 4, "text-anchor": "end" }, this.axis(value)),
    ]);
  }

  times(x) {
    const long = this.to - this.from > 2 * 3600e3;
    const every = [60e3, 300e3, 600e3, 1800e3, 3600e3, 3 * 3600e3, 6 * 3600e3, 12 * 3600e3]
      .find((step) => ((this.width - LEFT) * step) / (this.to - this.from) >= (long ? 52 : 60)) || 24 * 3600e3;
    const offset = new Date(this.to).getTimezoneOffset() * 60e3;
    const marks = [];
    for (let mark = Math.ceil((this.from - offset) / every) * every + offset; mark <= this.to; mark += every) {
      const place = x(mark);
      if (place < LEFT + 14 || place > this.width - 18) continue;
      marks.push(svg("text", { class: "tick", x: place, y: HEIGHT - 5, "text-anchor": "middle" }, clock(mark, false)));
    }
    return marks;
  }

  path(values, x, y) {
    let path = "", open = false, before = 0;
    values.forEach((value, index) => {
      const moment = this.at[index];
      if (typeof value !== "number") { open = false; return; }
      if (moment - before > GAP * this.step) open = false;
      path += `${open ? "L" : "M"}${x(moment).toFixed(1)} ${y(value).toFixed(1)}${open ? "" : "h0.01"}`;
      [open, before] = [true, moment];
    });
    return path;
  }
}
