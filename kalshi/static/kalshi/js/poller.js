/** Keeps one endpoint's state up to date. Driven from outside by tick(); never has two requests in the air. */

import { ask } from "./ask.js";
import { absorb, EMPTY, isDue } from "./section.js";

export class Poller {
  state;
  #url;
  #now;
  #onChange;
  #asked_ms = null;
  #forceNext = false;

  /** onChange(state, previous) after every change; now() in milliseconds; floor_s: seconds between questions at least. */
  constructor(url, now, onChange, floor_s = EMPTY.floor_s) {
    this.state = { ...EMPTY, floor_s };
    this.#url = url;
    this.#now = now;
    this.#onChange = onChange;
  }

  tick(hidden) {
    if (isDue(this.state, this.#now(), hidden, this.#asked_ms)) void this.#poll(false);
  }

  /** Have Kalshi asked now, or right after the request that is in the air. */
  refresh() {
    if (this.state.busy) this.#forceNext = true;
    else void this.#poll(true);
  }

  async #poll(forced) {
    this.#asked_ms = this.#now();
    this.#set({ ...this.state, busy: true });
    const answer = await ask(this.#url, { forced });
    this.#set(absorb(this.state, answer, this.#now(), Math.random()));
    if (this.#forceNext) {
      this.#forceNext = false;
      this.refresh();
    }
  }

  #set(state) {
    const previous = this.state;
    this.state = state;
    this.#onChange(state, previous);
  }
}
