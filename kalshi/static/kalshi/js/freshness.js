/** How old an answer is and what that means: response headers in, words out. Pure. */

import { ago, duration } from "./format.js";

/** Without an error code a refresh may take this long before the section is called stale. */
const GRACE_S = 10;

const REASONS = {
  upstream_unavailable: "Kalshi is unavailable",
  upstream_rate_limited: "the request budget is spent",
  upstream_bad_payload: "Kalshi sent something unreadable",
  upstream_rejected_key: "Kalshi refuses the key",
  no_credentials: "no Kalshi credentials are configured",
  unreachable: "this server does not answer",
  not_signed_in: "signed out",
};

/** The reason behind an error code, in words that fit after "stale:". */
export function reason(code) {
  return REASONS[code] ?? "it cannot be refreshed";
}

function secondsIn(pattern, text) {
  const found = pattern.exec(text ?? "");
  return found ? Number(found[1]) : null;
}

/**
 * `{age_s, fresh_s, ttl_s, detail}` of an answer's Age, Cache-Control and Cache-Status (RFC 9211) headers.
 * age_s and ttl_s are null where the headers do not tell; detail is "refreshing", an error code, or null.
 */
export function readFreshness(headers) {
  const status = headers.get("Cache-Status");
  const detail = /;\s*detail="?([A-Za-z0-9_]+)/.exec(status ?? "")?.[1] ?? null;
  return {
    // An answer made just now tells no age; an old one that tells none is of unknown age.
    age_s: secondsIn(/^\s*(\d+)\s*$/, headers.get("Age")) ?? (detail ? null : 0),
    fresh_s: secondsIn(/(?:^|[\s,])max-age=(\d+)/, headers.get("Cache-Control")) ?? 0,
    ttl_s: secondsIn(/;\s*ttl=(-?\d+)/, status),
    detail,
  };
}

function problemMark({ code }, old) {
  if (code === "endpoint_off") return { tone: "off", text: old === null ? "switched off" : `switched off, ${old} old` };
  if (old === null) return { tone: "error", text: "no data" };
  const tone = code === "upstream_rejected_key" || code === "internal_error" ? "error" : "stale";
  return { tone, text: `stale: ${reason(code)}, ${old} old` };
}

/**
 * The mark of a section: `{tone, text}` with tone loading, fresh, due, refreshing, stale, off or error.
 * lastError: the code that `status` gives for the last fetch of this endpoint, or null.
 */
export function mark(state, now_ms, lastError = null) {
  const age_s = state.fetched_ms === null ? null : Math.max(0, (now_ms - state.fetched_ms) / 1000);
  const old = age_s === null ? null : duration(age_s);
  if (state.problem) return problemMark(state.problem, old);
  if (age_s === null && state.detail) return { tone: "stale", text: `stale: ${reason(state.detail)}, age unknown` };
  if (age_s === null) return { tone: "loading", text: "loading" };
  const overdue_s = age_s - state.fresh_s;
  const code = state.detail === "refreshing" ? lastError : state.detail;
  if (state.detail && code) return { tone: "stale", text: `stale: ${reason(code)}, ${old} old` };
  if (state.detail && overdue_s > GRACE_S) return { tone: "stale", text: `stale: waiting for Kalshi, ${old} old` };
  if (state.detail || (state.busy && overdue_s > 0)) return { tone: "refreshing", text: `${ago(age_s)}, refreshing` };
  return { tone: overdue_s > GRACE_S ? "due" : "fresh", text: ago(age_s) };
}
