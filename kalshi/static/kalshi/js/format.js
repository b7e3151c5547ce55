/** Values as text for people. Pure; a value that is missing or unreadable becomes a dash. */

import { digits, multiply, parse, sign } from "./decimal.js";

export const DASH = "—";
const MINUS = "−";
const HUNDRED = { units: 100n, scale: 0 };

const decimalOf = (value) => (typeof value?.units === "bigint" ? value : parse(value));

function joined({ whole, fraction }) {
  return fraction ? `${whole}.${fraction}` : whole;
}

/** Dollars, exact to the last digit sent: "$1,234.50", "−$0.0075". Takes text or a decimal. */
export function money(value) {
  const decimal = decimalOf(value);
  if (!decimal) return DASH;
  return `${sign(decimal) < 0 ? MINUS : ""}$${joined(digits(decimal, 2))}`;
}

/** A gain or a loss: as money, with a plus sign for a gain. */
export function signedMoney(value) {
  const decimal = decimalOf(value);
  return (sign(decimal) > 0 ? "+" : "") + money(decimal);
}

/** A number of contracts: "12", "1,250.5". Takes text or a decimal; the sign is kept. */
export function count(value) {
  const decimal = decimalOf(value);
  if (!decimal) return DASH;
  return (sign(decimal) < 0 ? MINUS : "") + joined(digits(decimal, 0));
}

/** A number of contracts without its sign. */
export function magnitude(value) {
  return count(value).replace(MINUS, "");
}

/** A price between 0 and 1 dollar in cents: "42¢", "42.15¢". */
export function price(value) {
  const decimal = decimalOf(value);
  return decimal ? `${count(multiply(decimal, HUNDRED))}¢` : DASH;
}

/** Like price, but for a quote: a bid of 0 and an ask of 1 mean that nobody quotes. */
export function quote(value, side) {
  const decimal = decimalOf(value);
  const nobody = { units: side === "bid" ? 0n : 1n, scale: 0 };
  if (decimal && decimal.units === nobody.units * 10n ** BigInt(decimal.scale)) return DASH;
  return price(decimal);
}

/** A span of seconds: "12 s", "3 min", "2 h 5 min", "3 d 4 h". Always rounded down. */
export function duration(seconds) {
  if (!Number.isFinite(seconds)) return DASH;
  const s = Math.max(0, Math.floor(seconds));
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min`;
  const [large, small, parts] = s < 86400 ? ["h", "min", [3600, 60]] : ["d", "h", [86400, 3600]];
  const rest = Math.floor((s % parts[0]) / parts[1]);
  return `${Math.floor(s / parts[0])} ${large}${rest ? ` ${rest} ${small}` : ""}`;
}

/** How long ago: "just now" under a second. */
export function ago(seconds) {
  if (!Number.isFinite(seconds)) return DASH;
  return seconds < 1 ? "just now" : `${duration(seconds)} ago`;
}

const RFC_3339 = /^(\d{4}-\d\d-\d\d)T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/;

/** Date.parse makes the 31st of February one of March. */
function isDay(date) {
  const ms = Date.parse(`${date}T00:00:00Z`);
  return Number.isFinite(ms) && new Date(ms).toISOString().startsWith(date);
}

/**
 * The moment of an RFC 3339 text in milliseconds; null for "never" (Go's zero time) and anything else: Date.parse finds
 * a moment in "unknown 7" too.
 */
export function instant(text) {
  const found = typeof text === "string" ? RFC_3339.exec(text) : null;
  if (!found || !isDay(found[1]) || text.startsWith("0001-")) return null;
  const ms = Date.parse(text);
  return Number.isFinite(ms) ? ms : null;
}

/** A moment in the reader's own zone and language: the time alone for today, else day and time. */
export function moment(text, now_ms, zone) {
  const ms = instant(text);
  if (ms === null) return DASH;
  const day = new Intl.DateTimeFormat("en-CA", { timeZone: zone });
  const time = { hour: "2-digit", minute: "2-digit", timeZone: zone };
  const today = day.format(ms) === day.format(now_ms);
  const options = today ? time : { day: "numeric", month: "short", ...time };
  return new Intl.DateTimeFormat(undefined, options).format(ms);
}
