// Changes, made from what their author saw: whoever was faster is shown, and then it is for the author to say.

import { change, read } from "./api.js";
import { question } from "./dialogs.js";
import { el } from "./dom.js";
import { keyWords, moment, valueWords } from "./words.js";

// What two configurations of a room differ in.
export function differences(before, after) {
  const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...keys].filter((key) => JSON.stringify(before[key]) !== JSON.stringify(after[key]));
}

// The configuration that a change is made from.
export const basis = (room, tag) => ({ room: room.id, tag, configuration: room.configuration });

async function others(base) {
  const { value: room, tag } = await read(`rooms/${encodeURIComponent(base.room)}`);
  const { value: audit } = await read("audit?limit=100");
  const revision = Number(base.tag.replaceAll('"', ""));
  const entries = audit.entries.filter((entry) => entry.revision > revision);
  return { now: basis(room, tag), keys: differences(base.configuration, room.configuration), entries };
}

function story({ now, keys, entries }, base, wanted) {
  const changed = keys.map((key) => el("li", {}, el("strong", {}, keyWords(key)),
    ` was ${valueWords(base.configuration[key])}, and is ${valueWords(now.configuration[key])} now`));
  const who = entries.map((entry) => el("li", {}, el("strong", {}, entry.actor), ` (${entry.via}), ${moment(entry.at)}: ${entry.detail.replaceAll(`${base.room}: `, "")}`));
  return [
    el("p", {}, "Your change was not made: somebody else changed the configuration since you saw it."),
    el("h3", {}, "What is otherwise"), el("ul", { "data-testid": "other-change" }, changed),
    who.length > 0 && [el("h3", {}, "Who did it"), el("ul", { "data-testid": "other-who" }, who)],
    el("h3", {}, "What you wanted"), el("p", {}, wanted),
  ];
}

// Makes a change. What it came to; nothing where its author thought better of it.
export async function make({ method, path, body, base, wanted }) {
  let from = base;
  for (;;) {
    try {
      return (await change(method, path, body, from.tag)).value;
    } catch (error) {
      if (error.code !== "outrun") throw error;
    }
    const news = await others(from);
    // A change of another room is nothing to talk about.
    if (news.keys.length > 0) {
      const chosen = await question({
        heading: "Somebody was faster",
        content: story(news, from, wanted),
        choices: [{ value: "again", words: "Make my change all the same" }],
        testid: "outrun",
      });
      if (chosen !== "again") return null;
    }
    from = news.now;
  }
}
