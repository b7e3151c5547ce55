/**
 * What a ticker is called. Learned from the events list; for the few tickers of the account that are not in it,
 * asked one by one. A ticker whose name is not known is shown as it is.
 */

import { listOf, textOf } from "./fields.js";

const MOST_ASKED = 20;

export class Titles {
  #names = new Map();
  #asked = new Set();
  #queue = [];
  #asking = false;
  #load;
  #onLearned;

  /** load(ticker): a promise of the market's body, or null. onLearned() after each new name. */
  constructor(load, onLearned) {
    this.#load = load;
    this.#onLearned = onLearned;
  }

  /** `{title, outcome}` of a market ticker, or null. */
  get(ticker) {
    return this.#names.get(ticker) ?? null;
  }

  /** Take every name of an events body with nested markets. */
  learn(body) {
    for (const event of listOf(body?.events) ?? []) {
      for (const market of listOf(event?.markets) ?? []) {
        this.#put(market, textOf(event.title));
      }
    }
  }

  /** Look up the tickers that have no name yet, MOST_ASKED of them at most and each once. */
  want(tickers) {
    for (const ticker of tickers) {
      if (this.#names.has(ticker) || this.#asked.has(ticker) || this.#asked.size >= MOST_ASKED) continue;
      this.#asked.add(ticker);
      this.#queue.push(ticker);
    }
    void this.#work();
  }

  async #work() {
    if (this.#asking) return;
    this.#asking = true;
    while (this.#queue.length > 0) {
      const market = (await this.#load(this.#queue.shift()))?.market;
      if (this.#put(market, textOf(market?.title))) this.#onLearned();
    }
    this.#asking = false;
  }

  #put(market, title) {
    const ticker = textOf(market?.ticker);
    if (!ticker || !title) return false;
    const outcome = textOf(market.yes_sub_title);
    this.#names.set(ticker, { title, outcome: outcome === title ? null : outcome });
    return true;
  }
}
