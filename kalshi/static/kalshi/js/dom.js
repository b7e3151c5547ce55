/** Building elements. Text goes in as text only, so nothing that Kalshi sends can become markup. */

import { digits, sign } from "./decimal.js";
import { DASH } from "./format.js";

/** Of a text that is shown: laying out megabytes keeps the page busy for seconds. */
const LONGEST = 1000;

const shortened = (child) => (typeof child === "string" && child.length > LONGEST ? `${child.slice(0, LONGEST - 1)}…` : child);

/** `<tag ...attributes>children</tag>`; children are elements or text, which is cut; attributes are constants of ours. */
export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null).map(shortened));
  return element;
}

/** Set an element's text only when it differs, so that ticking ages do not disturb selections and readers. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Formatted text as a node: a dash says that the value is unknown, digits below the cent stand back. */
export function figure(text) {
  if (text === DASH) return el("span", { class: "unknown", title: "not known" }, text);
  const cut = /^(.*\.\d\d)(\d+)$/.exec(text);
  return cut && text.includes("$") ? el("span", {}, cut[1], el("span", { class: "sub-cent" }, cut[2])) : el("span", {}, text);
}

/** "gain", "loss" or null, by the sign of a decimal. */
export function gainClass(decimal) {
  return { 1: "gain", "-1": "loss" }[sign(decimal)] ?? null;
}

/** The longest run of digits below the cent in a column of decimals, so that its points can stand under each other. */
export function subCentDigits(decimals) {
  return Math.max(0, ...decimals.filter(Boolean).map((decimal) => digits(decimal, 2).fraction.length - 2));
}

/** A `<td>` with its column's name for narrow screens. pad: widths of a digit to leave free on the right. */
export function cell(label, content, { className = null, pad = 0 } = {}) {
  const element = el("td", { role: "cell", "data-label": label, class: className }, content);
  if (pad > 0) element.style.setProperty("--pad", `${pad}ch`);
  return element;
}

/** A cell with an amount of money, aligned on the point within a column that has up to `deepest` sub-cent digits. */
export function moneyCell(label, decimal, show, deepest, className = null) {
  const own = decimal ? digits(decimal, 2).fraction.length - 2 : deepest;
  return cell(label, figure(show(decimal)), { className: ["number", className].filter(Boolean).join(" "), pad: deepest - own });
}
