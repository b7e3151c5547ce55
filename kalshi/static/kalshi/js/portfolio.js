/** Kalshi's portfolio bodies as rows and totals. Pure; whatever is missing stays null, and a total with a gap is null. */

import { fromHundredths, multiply, parse, sign, sum } from "./decimal.js";
import { listOf, textOf } from "./fields.js";

/** Cash and Kalshi's own portfolio figure. Older bodies have whole cents only. */
export function balance(body) {
  return {
    cash: parse(body?.balance_dollars) ?? fromHundredths(body?.balance),
    portfolio: fromHundredths(body?.portfolio_value),
  };
}

const LISTS = new Set(["market_positions", "event_positions", "orders"]);

/**
 * True when the body holds the whole list: an empty, null or absent cursor. It may stand under another name: without
 * a cursor whatever we do not know may be one, else what is called so.
 */
export function isComplete(body) {
  const { cursor, ...others } = body ?? {};
  if ((cursor ?? "") !== "") return false;
  const unknown = Object.keys(others).filter((name) => others[name] && !LISTS.has(name));
  return !unknown.some((name) => cursor === undefined || /cursor/i.test(name));
}

const SIDES = { 1: "yes", "-1": "no" };

/**
 * Rows of the open positions of a body, null without its list: sold out is not open, unknown may be. side: yes, no, or
 * null when unknown.
 */
export function positions(body) {
  const rows = listOf(body?.market_positions);
  return rows && rows.map((row) => {
    const held = parse(row?.position_fp);
    return {
      ticker: textOf(row?.ticker),
      side: SIDES[sign(held)] ?? null,
      held,
      exposure: parse(row?.market_exposure_dollars),
      traded: parse(row?.total_traded_dollars),
      realized: parse(row?.realized_pnl_dollars),
      fees: parse(row?.fees_paid_dollars),
    };
  }).filter((row) => sign(row.held) !== 0);
}

/** Totals over the rows of a complete list; all null when there is more than this page, or no list. */
export function positionTotals(rows, complete) {
  const total = (name) => (rows && complete ? sum(rows.map((row) => row[name])) : null);
  return { exposure: total("exposure"), traded: total("traded"), realized: total("realized"), fees: total("fees") };
}

/**
 * Rows of an orders body, null without its list. The direction is outcome_side/book_side alone; the older side and action are never read.
 * price: that of the outcome bought, in dollars; value: price times what remains.
 */
export function orders(body) {
  const rows = listOf(body?.orders);
  return rows && rows.map((row) => {
    const side = ["yes", "no"].includes(row?.outcome_side) ? row.outcome_side : null;
    const limit = side === null ? null : parse(row[`${side}_price_dollars`]);
    const remaining = parse(row?.remaining_count_fp);
    return {
      ticker: textOf(row?.ticker),
      side,
      book: ["bid", "ask"].includes(row?.book_side) ? row.book_side : null,
      limit,
      remaining,
      initial: parse(row?.initial_count_fp),
      value: multiply(limit, remaining),
      created: textOf(row?.created_time),
    };
  });
}

/** What all resting orders would cost at their limits; null when that cannot be told. */
export function restingValue(rows, complete) {
  return rows && complete ? sum(rows.map((row) => row.value)) : null;
}
