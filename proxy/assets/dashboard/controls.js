// What an operator does: rate, places and mode with what would come of them; pause, resume, close; a message.

import { ask, change as send } from "./api.js";
import { basis, make } from "./changes.js";
import { question, typed } from "./dialogs.js";
import { el, say, write } from "./dom.js";
import { keyWords, number, range, valueWords } from "./words.js";

const MODES = {
  auto: "auto: a line only while it is needed", always: "always: everybody stands in line", paused: "paused: nobody gets in",
  closed: "closed: nobody joins", off: "off: the room protects nothing", shadow: "shadow: all pass; it tells who would wait",
};
const PREVIEW_AFTER = 250;

export class Controls {
  // `onDone` when something was changed; `onLast` with what comes of the configuration as it is.
  constructor({ onDone, onLast }) {
    Object.assign(this, { onDone, onLast, base: null, messageBase: null, room: null, tag: null, me: null, asked: 0, busy: 0, late: new Set() });
    this.fields = {
      drain_per_minute: el("input", { id: "rate", type: "number", inputmode: "numeric", min: 0, step: 1, required: true, "data-testid": "rate", "aria-describedby": "preview" }),
      max_active: el("input", { id: "places", type: "number", inputmode: "numeric", min: 1, step: 1, required: true, "data-testid": "places", "aria-describedby": "preview" }),
      mode: el("select", { id: "mode", "data-testid": "mode", "aria-describedby": "preview" }),
    };
    for (const field of Object.values(this.fields)) {
      for (const event of ["input", "change"]) field.addEventListener(event, () => this.edited());
    }
    this.preview = el("div", { class: "preview", id: "preview", "data-testid": "preview" });
    this.apply = el("button", { type: "submit", "data-testid": "apply", disabled: true }, "Apply");
    this.undo = el("button", { type: "button", class: "quiet", "data-testid": "undo", disabled: true, onclick: () => this.forget() }, "As it was");
    this.said = el("p", { class: "said", role: "alert", "data-testid": "said" });
    this.meanwhile = el("p", { class: "note", hidden: true, "data-testid": "meanwhile" });
    const step = (words, share, label) => el("button", { type: "button", class: "step", "aria-label": label, onclick: () => this.step(share) }, words);
    this.message = el("textarea", { id: "message", rows: 2, "data-testid": "message" });
    this.message.addEventListener("input", () => this.begin("messageBase"));
    const button = (testid, words, act, kind) => el("button", { type: "button", class: kind, "data-testid": testid, onclick: act }, words);
    this.buttons = {
      pause: button("pause", "Pause", () => this.act("pause", "Nobody gets in until it is resumed.")),
      resume: button("resume", "Resume", () => this.act("resume", "Fans get in again, as before.")),
      close: button("close", "Close…", () => this.close(), "quiet"),
      reset: button("reset", "Empty the line…", () => this.grave("reset"), "grave quiet"),
      void: button("void", "Take all admissions back…", () => this.grave("void"), "grave quiet"),
    };
    this.graver = el("p", { class: "soft", "data-testid": "why-no-reset" }, "To empty the line takes the token of an admin.");
    this.reason = el("p", { class: "note", hidden: true, "data-testid": "why-not" });
    this.sets = [
      el("fieldset", {}, el("legend", {}, "At once"), el("div", { class: "actions" }, this.buttons.pause, this.buttons.resume, this.buttons.close)),
      el("fieldset", {}, el("legend", {}, "Rate, places, mode"),
        el("form", { novalidate: true, onsubmit: (event) => { event.preventDefault(); this.applyEdits(); } },
          el("label", { for: "rate" }, "Rate, fans a minute"),
          el("div", { class: "with-steps" }, this.fields.drain_per_minute, step("−10 %", 0.9, "Rate: 10 % less"), step("+10 %", 1.1, "Rate: 10 % more")),
          el("label", { for: "places" }, "Places inside"), this.fields.max_active,
          el("label", { for: "mode" }, "Mode"), this.fields.mode,
          this.preview, this.meanwhile, el("div", { class: "actions" }, this.apply, this.undo))),
      el("fieldset", {}, el("legend", {}, "Tell those who wait"),
        el("form", { onsubmit: (event) => { event.preventDefault(); this.tell(this.message.value.trim()); } },
          el("label", { for: "message" }, "Message on the waiting page"), this.message,
          el("div", { class: "actions" }, el("button", { type: "submit", "data-testid": "tell" }, "Tell them"),
            this.untell = button("untell", "Take it off", () => this.tell(""), "quiet")))),
      el("fieldset", {}, el("legend", {}, "For emergencies"), el("div", { class: "actions" }, this.buttons.reset, this.buttons.void), this.graver),
    ];
    this.element = el("section", { class: "controls", "aria-labelledby": "controls-heading" },
      el("h2", { id: "controls-heading" }, "Run it"), this.reason, this.said, this.sets);
  }

  get path() { return `rooms/${encodeURIComponent(this.room.id)}`; }

  show(room, tag, me) {
    Object.assign(this, { room, tag, me });
    const may = me.role !== "viewer";
    for (const set of this.sets) set.disabled = !may;
    this.reason.hidden = may;
    write(this.reason, may ? "" : `You are ${me.name}, a viewer, who looks. To change something takes the token of an operator.`);
    const modes = [...new Set([...Object.keys(MODES), room.mode])];
    if (this.fields.mode.options.length !== modes.length) {
      this.fields.mode.replaceChildren(...modes.map((mode) => el("option", { value: mode }, MODES[mode] || mode)));
    }
    if (!this.busy) {
      for (const what of this.late) this.begin(what);
      this.late.clear();
    }
    if (!this.base && !this.late.has("base")) this.fill();
    if (!this.messageBase && !this.late.has("messageBase") && this.message.value !== room.message) this.message.value = room.message;
    this.untell.disabled = !room.message;
    const halted = room.mode === "paused" || room.mode === "closed";
    this.buttons.pause.disabled = room.mode === "paused";
    this.buttons.resume.disabled = !halted;
    this.buttons.close.disabled = room.mode === "closed";
    this.buttons.reset.disabled = me.role !== "admin";
    this.graver.hidden = me.role === "admin";
    this.showMeanwhile();
  }

  // What is edited is a change of what is configured now. While a change of one's own is under way nobody knows what that
  // is: it is noted, and then it is known.
  begin(what) {
    if (this[what]) return;
    if (this.busy) {
      this.late.add(what);
      return;
    }
    const values = Object.fromEntries(Object.keys(this.fields).map((key) => [key, this.value(this.room, key)]));
    this[what] = { ...basis(this.room, this.tag), values };
    if (what === "base" && this.late.has("base")) this.edited();
  }

  fill() {
    for (const [key, field] of Object.entries(this.fields)) {
      const value = String(this.value(this.room, key));
      if (field.value !== value) field.value = value;
    }
  }

  value(room, key) { return key === "mode" ? room.mode : room.configuration[key]; }

  // What differs from what is configured, as it was when the first of it was edited.
  edits() {
    const edits = {};
    for (const [key, field] of Object.entries(this.fields)) {
      const value = key === "mode" ? field.value : field.value === "" ? null : Number(field.value);
      if (this.base && value !== null && value !== this.base.values[key]) edits[key] = value;
    }
    return edits;
  }

  edited() {
    this.begin("base");
    if (!this.base) return;
    // What cannot be read as a number is empty, and means nothing.
    const gap = Object.values(this.fields).some((field) => field.value === "");
    const some = gap || Object.keys(this.edits()).length > 0;
    if (!some) this.base = null;
    this.apply.disabled = !some || gap;
    this.undo.disabled = !some;
    write(this.said, "");
    this.showMeanwhile();
    clearTimeout(this.soon);
    this.soon = setTimeout(() => this.refresh(), PREVIEW_AFTER);
  }

  forget() {
    this.base = null;
    this.apply.disabled = true;
    this.undo.disabled = true;
    this.fill();
    this.showMeanwhile();
    this.refresh();
  }

  step(share) {
    const field = this.fields.drain_per_minute;
    const now = Number(field.value) || 0;
    const then = Math.round(now * share);
    field.value = String(then === now ? Math.max(0, now + (share > 1 ? 1 : -1)) : then);
    this.edited();
  }

  // What others changed while something is edited here.
  showMeanwhile() {
    const news = this.base ? Object.keys(this.fields).filter((key) => this.value(this.room, key) !== this.base.values[key]) : [];
    this.meanwhile.hidden = news.length === 0;
    write(this.meanwhile, news.length === 0 ? "" : `Meanwhile somebody else changed ${news.map((key) =>
      `${keyWords(key).toLowerCase()} from ${valueWords(this.base.values[key])} to ${valueWords(this.value(this.room, key))}`).join(", ")}.`);
  }

  // Asks what would come of the edits; of nothing, where there are none.
  async refresh() {
    const edits = this.edits(), room = this.room.id, asked = ++this.asked;
    try {
      const { value } = await ask(`${this.path}/preview`, edits);
      if (asked !== this.asked || room !== this.room.id) return;
      this.onLast(value.now);
      this.showPreview(value, Object.keys(edits).length > 0);
      // Said once for what is edited, not whenever somebody joins.
      const key = JSON.stringify(edits);
      if (key !== this.spoken && key !== "{}") say(value.then.words);
      this.spoken = key;
    } catch (error) {
      if (asked !== this.asked) return;
      if (!error.isSilence && Object.keys(edits).length > 0) this.writePreview([["p", "wrong", error.message]]);
    }
  }

  showPreview({ now, then, notes }, some) {
    if (!some) return this.writePreview([["p", "", now.words]]);
    const wait = ({ last_low_seconds: low, last_high_seconds: high }) =>
      typeof low !== "number" ? "nobody gets in" : range(low, high);
    this.writePreview([
      ["p", "words", then.words],
      ["p", "soft", `As it is: ${wait(now)}, ${number(now.per_minute)} a minute. Then: ${wait(then)}, ${number(then.per_minute)} a minute, ${number(then.inside)} inside.`],
      ...notes.map((note) => ["p", "soft", note]),
    ]);
  }

  writePreview(lines) {
    const key = JSON.stringify(lines);
    if (key === this.previewed) return;
    this.previewed = key;
    this.preview.replaceChildren(...lines.map(([tag, kind, text]) => el(tag, { class: kind }, text)));
  }

  async applyEdits() {
    const edits = this.edits();
    if (!Object.keys(edits).length) return;
    const wanted = Object.entries(edits).map(([key, value]) => `${keyWords(key)}: ${valueWords(value)}`).join(", ");
    await this.run(() => ({ method: "PATCH", path: this.path, body: edits, base: this.base, wanted }), () => {
      // Whoever goes on editing meanwhile goes on.
      const more = JSON.stringify(this.edits()) !== JSON.stringify(edits);
      this.base = null;
      if (more) this.late.add("base");
    });
    if (!this.base) this.forget();
  }

  act(name, wanted) {
    return this.run(() => ({ method: "POST", path: `${this.path}/${name}`, body: name === "resume" ? {} : undefined, base: basis(this.room, this.tag), wanted }));
  }

  async close() {
    const chosen = await question({
      heading: `Close ${this.room.title || this.room.id}?`,
      content: el("p", {}, `Nobody joins and nobody gets in any more. The ${number(this.room.waiting)} who wait are told that it is closed, and keep their places, should it be resumed.`),
      choices: [{ value: "close", words: "Close it", kind: "grave" }], testid: "closing",
    });
    if (chosen) await this.act("close", "Nobody joins any more.");
  }

  async tell(message) {
    const wanted = message ? `To tell them: ${message}` : "To tell them nothing";
    const base = () => this.messageBase || basis(this.room, this.tag);
    await this.run(() => ({ method: "PUT", path: `${this.path}/message`, body: { message }, base: base(), wanted }), () => {
      this.messageBase = null;
      this.late.delete("messageBase");
      this.message.value = message;
    });
  }

  async grave(name) {
    const { id, waiting, active } = this.room;
    const [heading, words, action] = {
      reset: ["Empty the line?", `All ${number(waiting)} places and ${number(active)} sessions are gone, for good. Whoever wants to get in joins again, at the end of a new line.`, "Empty it"],
      void: ["Take all admissions back?", `All ${number(active)} who are inside have to join again. For a key that leaked.`, "Take them back"],
    }[name];
    const answers = await typed({ heading, words, word: id, action, testid: "grave" });
    if (!answers) return;
    await this.told(async () => {
      const { value } = await send("POST", `${this.path}/${name}`, answers);
      const places = typeof value.places === "number" ? `${number(value.places)} places and ` : "";
      return `Done: ${places}${number(value.sessions)} sessions ended.`;
    });
  }

  // Makes a change and says what it came to.
  run(wanted, whenMade) {
    return this.told(async () => {
      const change = wanted();
      // Sent twice by one who clicked twice: it is made.
      if (!change.base) return "";
      const made = await make(change);
      if (!made) return "";
      whenMade?.();
      const own = made.changes.map((line) => line.replace(`${this.room.id}: `, ""));
      return own.length ? `In force: ${own.join("; ")}` : "It was so already.";
    });
  }

  // One thing after another: the next is done to what came of the one before.
  told(act) {
    this.busy += 1;
    this.doing = (this.doing || Promise.resolve()).catch(() => {}).then(() => this.tellOf(act)).finally(() => {
      this.busy -= 1;
      this.show(this.room, this.tag, this.me);
    });
    return this.doing;
  }

  async tellOf(act) {
    this.said.dataset.kind = "";
    write(this.said, "");
    try {
      const words = await act();
      write(this.said, words);
      if (words) say(words);
      await this.onDone();
    } catch (error) {
      if (!("status" in error)) throw error;
      this.said.dataset.kind = "wrong";
      write(this.said, error.isSilence ? "No answer came. It may have been done: look at the audit trail below." : error.message);
      if (error.status === 401) await this.onDone();
    }
  }
}
