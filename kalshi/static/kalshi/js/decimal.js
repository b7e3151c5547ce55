/**
 * Exact decimal numbers: {units, scale} with units a BigInt stands for units / 10^scale.
 * Money and counts come as text and never pass through a float. What cannot be read is null, never 0.
 */

const PATTERN = /^([+-]?)(\d{1,24})(?:\.(\d{1,12}))?$/;

/** A decimal from text such as "-12.3400"; null for anything else. */
export function parse(text) {
  const found = typeof text === "string" ? PATTERN.exec(text) : null;
  if (!found) return null;
  const [, sign, whole, fraction = ""] = found;
  const units = BigInt(whole + fraction);
  return { units: sign === "-" ? -units : units, scale: fraction.length };
}

/** From here on, hundredths of a number that was sent may be lost in reading it, and it looks whole. */
const INEXACT = 2 ** 46;

/** A decimal from a whole number of hundredths; null when it is none, or too large to be exact. */
export function fromHundredths(number) {
  return Number.isInteger(number) && Math.abs(number) < INEXACT ? { units: BigInt(number), scale: 2 } : null;
}

function unitsAt({ units, scale }, wanted) {
  return units * 10n ** BigInt(wanted - scale);
}

/** a + b; null when one of them is null. */
export function add(a, b) {
  if (!a || !b) return null;
  const scale = Math.max(a.scale, b.scale);
  return { units: unitsAt(a, scale) + unitsAt(b, scale), scale };
}

/** a * b; null when one of them is null. */
export function multiply(a, b) {
  return a && b ? { units: a.units * b.units, scale: a.scale + b.scale } : null;
}

/** The sum of a list; null when any of them is null: a total with a gap is no total. */
export function sum(decimals) {
  return decimals.reduce(add, { units: 0n, scale: 2 });
}

/** -1, 0 or 1; null for null. */
export function sign(decimal) {
  if (!decimal) return null;
  return decimal.units > 0n ? 1 : decimal.units < 0n ? -1 : 0;
}

/** a < b: negative, a > b: positive; null sorts below everything. */
export function compare(a, b) {
  if (!a || !b) return Number(Boolean(a)) - Number(Boolean(b));
  const scale = Math.max(a.scale, b.scale);
  const difference = unitsAt(a, scale) - unitsAt(b, scale);
  return difference > 0n ? 1 : difference < 0n ? -1 : 0;
}

/**
 * The digits of |decimal|: {whole, fraction}, thousands separated by commas. The fraction has no needless zeros
 * but at least `minimum` digits. Nothing is rounded.
 */
export function digits(decimal, minimum) {
  const text = String(decimal.units < 0n ? -decimal.units : decimal.units).padStart(decimal.scale + 1, "0");
  const cut = text.length - decimal.scale;
  const fraction = text.slice(cut).replace(/0+$/, "").padEnd(minimum, "0");
  return { whole: text.slice(0, cut).replace(/\B(?=(\d{3})+$)/g, ","), fraction };
}
