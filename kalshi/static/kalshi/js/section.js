/** What the page knows about one endpoint, and when to ask again. Pure: time and chance are handed in. */

const HIDDEN_S = 60;
const SIGNED_OUT_S = 30;
const OFF_S = 15;
const LONGEST_BACKOFF_S = 15;

/**
 * Times in milliseconds of the page's clock. `etag` changes exactly when `data` does. `tries`: answers in a row that
 * were not fresh. `floor_s`: never ask more often than that.
 */
export const EMPTY = Object.freeze({
  data: null,
  etag: null,
  fetched_ms: null,
  fresh_s: 0,
  detail: null,
  problem: null,
  busy: false,
  tries: 0,
  due_ms: 0,
  floor_s: 1,
});

/** The next state after an answer of `ask`. Data is never dropped: a problem stands beside it. */
export function absorb(state, answer, now_ms, random) {
  const next = answer.problem
    ? { ...state, busy: false, problem: answer.problem, tries: state.tries + 1 }
    : {
        ...state,
        busy: false,
        data: answer.data,
        etag: answer.etag,
        // A proxy that answers in our place may not know the age; the last one known still counts on.
        fetched_ms: answer.age_s === null ? state.fetched_ms : now_ms - answer.age_s * 1000,
        fresh_s: answer.fresh_s,
        detail: answer.detail,
        problem: null,
        tries: answer.detail ? state.tries + 1 : 0,
      };
  return { ...next, due_ms: now_ms + delay_s(next, now_ms, random) * 1000 };
}

function backoff_s(first, tries, random) {
  const full = Math.min(first * 2 ** Math.max(0, tries - 1), LONGEST_BACKOFF_S);
  return full * (0.5 + random / 2);
}

/** Seconds until the next question. random: 0 to 1, spreads the retries of many open pages. */
export function delay_s(state, now_ms, random) {
  if (state.problem) {
    const { code, retryAfter_s } = state.problem;
    if (code === "not_signed_in") return SIGNED_OUT_S;
    if (code === "endpoint_off") return OFF_S;
    return Math.max(backoff_s(2, state.tries, random), retryAfter_s ?? 0);
  }
  if (state.detail === "refreshing") return backoff_s(1, state.tries, random);
  if (state.detail) return backoff_s(3, state.tries, random);
  // A little after the entry's last fresh moment, so that this very request brings the next one.
  return Math.max(state.floor_s, state.fresh_s - (now_ms - state.fetched_ms) / 1000 + 0.2);
}

/** True when it is time to ask. A hidden page asks once a minute at most. */
export function isDue(state, now_ms, hidden, asked_ms) {
  if (state.busy || now_ms < state.due_ms) return false;
  return !hidden || asked_ms === null || now_ms - asked_ms >= HIDDEN_S * 1000;
}
