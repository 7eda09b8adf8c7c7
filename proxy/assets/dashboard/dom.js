// Elements, made without a word of HTML in a string.

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === false || value === null || value === undefined) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.flat(3).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

export const el = (tag, attributes, ...children) => fill(document.createElement(tag), attributes, children);

export const svg = (tag, attributes, ...children) =>
  fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);

export const at = (id) => document.getElementById(id);

// Writes only what is otherwise: whoever selects text or listens to it is not disturbed.
export function write(element, text) {
  if (element && element.textContent !== text) element.textContent = text;
}

export function attribute(element, name, value) {
  if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

// A screen reader hears this.
export function say(words) {
  const news = at("news");
  news.textContent = "";
  setTimeout(() => { news.textContent = words; }, 50);
}
