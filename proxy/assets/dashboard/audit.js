// Who did what.

import { read } from "./api.js";
import { el } from "./dom.js";
import { moment } from "./words.js";

const MOST = 50;

export class Audit {
  constructor() {
    this.room = null;
    this.list = el("ol", { class: "audit", "data-testid": "audit" });
    this.all = el("input", { type: "checkbox", id: "audit-all", onchange: () => this.draw() });
    this.note = el("p", { class: "soft" });
    this.element = el("section", { class: "trail", "aria-labelledby": "audit-heading" },
      el("div", { class: "row" }, el("h2", { id: "audit-heading" }, "Who did what"),
        el("label", { class: "check", for: "audit-all" }, this.all, " All rooms")),
      this.note, this.list);
    this.entries = [];
  }

  async refresh(room) {
    this.room = room;
    const { value } = await read(`audit?limit=${MOST * 4}`);
    this.entries = value.entries;
    this.draw();
  }

  draw() {
    // What concerns several rooms names none.
    const own = ({ room, detail }) => this.all.checked || room === this.room || (room === "" && detail.includes(`${this.room}:`));
    const shown = this.entries.filter(own).slice(0, MOST);
    const key = JSON.stringify(shown);
    if (key === this.drawn) return;
    this.drawn = key;
    this.note.textContent = shown.length ? "" : "Nobody has changed anything yet.";
    this.list.replaceChildren(...shown.map(({ at, actor, via, room, action, detail }) => el("li", {},
      el("time", { datetime: at }, moment(at)), el("strong", {}, actor), el("span", { class: "soft" }, `by ${via}`),
      el("span", { class: "what" }, el("b", {}, this.all.checked && room ? `${room}: ${action}` : action), ` ${this.all.checked ? detail : detail.replaceAll(`${this.room}: `, "")}`))));
  }
}
