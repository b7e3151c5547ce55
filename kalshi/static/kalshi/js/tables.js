/** The three tables of the page. Each takes plain rows and returns table rows. */

import { compare, parse, sum } from "./decimal.js";
import { cell, el, figure, gainClass, moneyCell, subCentDigits } from "./dom.js";
import { count, DASH, magnitude, moment, money, price, quote, signedMoney } from "./format.js";
import { listOf, textOf } from "./fields.js";

const SHOWN_EVENTS = 8;

function marketCell(ticker, titles) {
  const name = ticker === null ? null : titles.get(ticker);
  const code = ticker === null ? figure(DASH) : el("span", { class: name ? "ticker" : "ticker alone" }, ticker);
  const title = name && el("span", { class: "title" }, name.title);
  const outcome = name?.outcome ? el("span", { class: "outcome" }, name.outcome) : null;
  const content = el("div", { class: "market" }, title, el("span", { class: "under" }, outcome, code));
  return el("th", { scope: "row", role: "rowheader" }, content);
}

function sidePill(side, book = null) {
  if (side === null) return figure(DASH);
  const word = { yes: "Yes", no: "No" }[side];
  return el("span", { class: "side" }, el("span", { class: `pill ${side}` }, word), book && el("span", { class: "book" }, book));
}

const row = (attributes, ...cells) => el("tr", { role: "row", ...attributes }, ...cells);

const largestFirst = (rows, field) => [...rows].sort((a, b) => compare(field(b), field(a)));

/** Rows of the positions table, the largest exposure first. */
export function positionRows(rows, titles) {
  const deepest = (name) => subCentDigits([...rows.map((item) => item[name]), sum(rows.map((item) => item[name]))]);
  const [exposure, realized, fees] = [deepest("exposure"), deepest("realized"), deepest("fees")];
  return largestFirst(rows, (item) => item.exposure).map((item) =>
    row(
      {},
      marketCell(item.ticker, titles),
      cell("Side", sidePill(item.side), { className: "side-cell" }),
      cell("Contracts", figure(magnitude(item.held)), { className: "number" }),
      moneyCell("Exposure", item.exposure, money, exposure),
      moneyCell("Realized P&L", item.realized, signedMoney, realized, gainClass(item.realized)),
      moneyCell("Fees", item.fees, money, fees),
    ),
  );
}

/** The last row of the positions table. */
export function positionTotalRow(rows, totals) {
  const deepest = (name) => subCentDigits([...rows.map((item) => item[name]), totals[name]]);
  return row(
    {},
    el("th", { scope: "row", role: "rowheader", colspan: "3" }, "Total"),
    moneyCell("Exposure", totals.exposure, money, deepest("exposure")),
    moneyCell("Realized P&L", totals.realized, signedMoney, deepest("realized"), gainClass(totals.realized)),
    moneyCell("Fees", totals.fees, money, deepest("fees")),
  );
}

/** Rows of the orders table, in Kalshi's order. */
export function orderRows(rows, titles, now_ms) {
  return rows.map((item) =>
    row(
      {},
      marketCell(item.ticker, titles),
      cell("Side", sidePill(item.side, item.book), { className: "side-cell" }),
      cell("Price", figure(price(item.limit)), { className: "number" }),
      cell("Left / initial", el("span", {}, figure(count(item.remaining)), el("span", { class: "of" }, " / "), figure(count(item.initial))), {
        className: "number",
      }),
      moneyCell("At limit", item.value, money, subCentDigits(rows.map((other) => other.value))),
      cell("Created", figure(moment(item.created, now_ms)), { className: "number time" }),
    ),
  );
}

/** The market of an event that was traded most today. */
function busiest(event) {
  return largestFirst(listOf(event?.markets) ?? [], (market) => parse(market?.volume_24h_fp))[0] ?? null;
}

function volumeToday(event) {
  const markets = listOf(event?.markets);
  return markets && sum(markets.map((market) => parse(market?.volume_24h_fp)));
}

/** The events of an events body with the most contracts traded in 24 hours; null without its list. */
export function eventRows(body) {
  const events = listOf(body?.events)?.map((event) => ({ event, volume: volumeToday(event), market: busiest(event) }));
  if (!events) return null;
  return largestFirst(events, ({ volume }) => volume)
    .slice(0, SHOWN_EVENTS)
    .map(({ event, volume, market }) => eventRow(event, volume, market));
}

function eventRow(event, volume, market) {
  const title = textOf(event?.title) ?? textOf(event?.event_ticker);
  const under = [textOf(event?.category), textOf(event?.sub_title)].filter(Boolean).join(" · ");
  const heading = el("div", { class: "market" }, el("span", { class: "title" }, title ?? figure(DASH)), el("span", { class: "under" }, under));
  return row(
    {},
    el("th", { scope: "row", role: "rowheader" }, heading),
    cell("Busiest market", textOf(market?.yes_sub_title) ?? textOf(market?.ticker) ?? figure(DASH), { className: "name" }),
    cell("Yes bid", figure(quote(market?.yes_bid_dollars, "bid")), { className: "number" }),
    cell("Yes ask", figure(quote(market?.yes_ask_dollars, "ask")), { className: "number" }),
    cell("24 h volume", figure(count(volume)), { className: "number" }),
  );
}
