/** The page: one poller per endpoint, and what is drawn again when one of them has news. */

import { ask } from "./ask.js";
import { showConnection } from "./connection.js";
import { figure, setText } from "./dom.js";
import { DASH, money } from "./format.js";
import { announce, bannerOf, showBanner, showMark, showNotice } from "./marks.js";
import { Poller } from "./poller.js";
import * as portfolio from "./portfolio.js";
import { eventRows, orderRows, positionRows, positionTotalRow } from "./tables.js";
import { Titles } from "./titles.js";

const TICK_MS = 500;
const STATUS_EVERY_S = 5;
const NAMES = ["balance", "positions", "orders", "events"];

const urls = document.body.dataset;
const find = (selector) => document.querySelector(selector);
const titles = new Titles(loadMarket, () => {
  drawPositions();
  drawOrders();
});
const pollers = Object.fromEntries(
  NAMES.map((name) => [name, new Poller(urls[name], now, (state, previous) => changed(name, state, previous))]),
);
const statusPoller = new Poller(urls.status, now, statusChanged, STATUS_EVERY_S);
const draw = { balance: drawBalance, positions: drawPositions, orders: drawOrders, events: drawEvents };
const tones = {};

/** Milliseconds that go on while the computer sleeps (as the wall clock does) and never stand still (as it may). */
function now() {
  return Math.max(performance.now(), Date.now() - performance.timeOrigin);
}

async function loadMarket(ticker) {
  const answer = await ask(urls.market.replace("TICKER", encodeURIComponent(ticker.toWellFormed())));
  return answer.problem ? null : answer.data;
}

const data = (name) => pollers[name].state.data;

function changed(name, state, previous) {
  if (state.data !== null && (state.etag !== previous.etag || previous.data === null)) draw[name]();
  if (state.problem !== previous.problem) showNotice(name, state, () => pollers[name].refresh());
  wantTitles();
  showMarks();
}

function statusChanged(state, previous) {
  if (state.data !== null && state.data !== previous.data) {
    showConnection(find("#connection"), state.data);
    const label = state.data.account?.label;
    if (typeof label === "string") setText(find("#account"), label);
  }
  showMarks();
}

function showMarks() {
  const endpoints = statusPoller.state.data?.endpoints;
  const sections = NAMES.map((name) => {
    const state = pollers[name].state;
    const lastError = endpoints?.[name]?.last_error ?? null;
    const found = showMark(name, state, now(), lastError);
    tones[name] = announce(find(`[data-section="${name}"]`).dataset.title, tones[name], found.tone);
    return { state, mark: found, lastError };
  });
  showMark("status", statusPoller.state, now(), null);
  showBanner(bannerOf(sections));
}

function drawFigure(name, decimal) {
  find(`[data-figure="${name}"]`).replaceChildren(figure(money(decimal)));
}

function drawBalance() {
  const { cash, portfolio: value } = portfolio.balance(data("balance"));
  drawFigure("cash", cash);
  drawFigure("portfolio", value);
}

/** found: table rows, or null when the body has no such list; that is told by a dash, and is not "none". */
function fill(name, found, complete, totalRow = null) {
  const section = find(`[data-section="${name}"]`);
  const rows = found ?? [];
  section.querySelector("tbody").replaceChildren(...rows);
  section.querySelector("tfoot")?.replaceChildren(...(totalRow ? [totalRow] : []));
  section.querySelector(".table-scroll").hidden = rows.length === 0;
  const empty = section.querySelector(".empty");
  empty.hidden = rows.length > 0 || Boolean(found && !complete);
  empty.replaceChildren(found ? empty.dataset.nothing : figure(DASH));
  section.querySelector(".more").hidden = complete || !found;
  section.classList.add("drawn");
  const number = section.querySelector(".how-many");
  if (number) setText(number, rows.length === 0 ? "" : `${rows.length}${complete ? "" : "+"}`);
}

function drawPositions() {
  const body = data("positions");
  if (body === null) return;
  const rows = portfolio.positions(body);
  const complete = portfolio.isComplete(body);
  const totals = portfolio.positionTotals(rows, complete);
  const totalRow = rows?.length > 1 ? positionTotalRow(rows, totals) : null;
  fill("positions", rows && positionRows(rows, titles), complete, totalRow);
  drawFigure("exposure", totals.exposure);
}

function drawOrders() {
  const body = data("orders");
  if (body === null) return;
  const rows = portfolio.orders(body);
  const complete = portfolio.isComplete(body);
  fill("orders", rows && orderRows(rows, titles, Date.now()), complete);
  drawFigure("resting", portfolio.restingValue(rows, complete));
}

function drawEvents() {
  const body = data("events");
  titles.learn(body);
  fill("events", eventRows(body), true);
  drawPositions();
  drawOrders();
}

/** Names are asked for only after the events list had its say, which brings most of them at once. */
function wantTitles() {
  const { data: events, problem } = pollers.events.state;
  if (events === null && problem === null) return;
  const rows = [...(portfolio.positions(data("positions")) ?? []), ...(portfolio.orders(data("orders")) ?? [])];
  titles.want(rows.map((row) => row.ticker).filter((ticker) => ticker !== null));
}

function tick() {
  const hidden = document.visibilityState === "hidden";
  for (const name of NAMES) pollers[name].tick(hidden);
  statusPoller.tick(hidden);
  if (!hidden) showMarks();
}

for (const button of document.querySelectorAll("[data-refresh]")) {
  button.addEventListener("click", () => pollers[button.dataset.refresh].refresh());
}
document.addEventListener("visibilitychange", tick);
window.addEventListener("online", tick);
setInterval(tick, TICK_MS);
tick();
