/** The side panel: how the server stands with Kalshi, from the `status` document. */

import { el, setText } from "./dom.js";
import { DASH, duration } from "./format.js";
import { reason } from "./freshness.js";

const LOW_BUDGET = 0.2;
const BREAKER = {
  closed: ["good", "Closed: requests go through"],
  half_open: ["warn", "Trying again with one request"],
  open: ["warn", "Open: Kalshi is left alone for a moment"],
};

/** Words and tone for the exchange's own status body. */
export function exchangeState(exchange) {
  if (typeof exchange?.exchange_active !== "boolean") return ["idle", DASH];
  if (!exchange.exchange_active) return ["warn", "Exchange is closed"];
  if (typeof exchange.trading_active !== "boolean") return ["idle", DASH];
  return exchange.trading_active ? ["good", "Trading is open"] : ["warn", "Trading is paused"];
}

/** `{level, capacity, words}` of the rate budget; level and capacity null when they are not known. */
export function budgetState(budget) {
  const number = (value) => (typeof value === "number" && Number.isFinite(value) ? value : null);
  const [level, capacity, refill] = [number(budget?.level), number(budget?.capacity), number(budget?.refill_per_s)];
  const tier = typeof budget?.tier === "string" ? `${budget.tier} tier` : "tier not known yet";
  const words = refill === null ? tier : `${tier}, ${Math.floor(refill)} tokens/s`;
  return level === null || !capacity ? { level: null, capacity: null, words } : { level, capacity, words };
}

/** `{tone, age, note}` of one row of the status document's endpoints. A copy that nobody asks for may be old. */
export function endpointState({ state, age_s = null, last_error: error = null }) {
  const unknown = { off: "off", stale: "age unknown" }[state] ?? "no copy";
  const age = age_s === null ? unknown : `${duration(age_s)} old`;
  if (error && state !== "off") return { tone: "warn", age, note: reason(error) };
  return { tone: state === "fresh" ? "good" : "idle", age, note: null };
}

function endpointRow(name, endpoint) {
  const { tone, age, note } = endpointState(endpoint);
  return el(
    "li",
    { class: `tone-${tone}` },
    el("span", { class: "dot", "aria-hidden": "true" }),
    el("span", { class: "name" }, name),
    el("span", { class: "age" }, age),
    note && el("span", { class: "note" }, note),
  );
}

function setTone(element, [tone, words]) {
  element.className = `fact tone-${tone}`;
  setText(element.querySelector("dd span:last-child"), words);
}

function showMeter(meter, { level, capacity }) {
  meter.hidden = level === null;
  if (level === null) return;
  meter.setAttribute("aria-valuemax", capacity);
  meter.setAttribute("aria-valuenow", level);
  meter.classList.toggle("low", level < capacity * LOW_BUDGET);
  meter.style.setProperty("--level", `${(100 * level) / capacity}%`);
}

/** Show a status document inside `panel`; null: nothing is known yet. */
export function showConnection(panel, status) {
  const exchange = panel.querySelector("[data-fact=exchange]");
  exchange.hidden = !status?.exchange;
  setTone(exchange, exchangeState(status?.exchange));
  setTone(panel.querySelector("[data-fact=breaker]"), BREAKER[status?.breaker] ?? ["idle", DASH]);
  const budget = budgetState(status?.budget);
  showMeter(panel.querySelector("[role=meter]"), budget);
  const left = budget.level === null ? DASH : `${Math.floor(budget.level)} of ${Math.floor(budget.capacity)}`;
  setText(panel.querySelector("[data-budget=left]"), left);
  setText(panel.querySelector("[data-budget=words]"), budget.words);
  const rows = Object.entries(status?.endpoints ?? {}).map(([name, endpoint]) => endpointRow(name, endpoint));
  panel.querySelector("[data-endpoints]").replaceChildren(...rows);
}
