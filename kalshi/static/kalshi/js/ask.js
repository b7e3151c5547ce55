/** One question to our own server. Never throws: what went wrong is part of the answer. */

import { readFreshness } from "./freshness.js";

const LONGEST_WAIT_MS = 30_000;
const NO_SERVER = "This server does not answer. It is asked again by itself.";
const NO_JSON = "The answer is no JSON; something between this page and its server may have replaced it.";

function retryAfter_s(response) {
  const seconds = Number.parseInt(response.headers.get("Retry-After") ?? "", 10);
  return Number.isFinite(seconds) ? Math.min(Math.max(seconds, 0), 300) : null;
}

async function problemOf(response) {
  let body = null;
  try {
    body = await response.json();
  } catch {
    // A proxy in between answers in HTML; the status then says all there is.
  }
  const text = (value) => (typeof value === "string" ? value : null);
  return {
    code: response.status === 401 ? "not_signed_in" : (text(body?.code) ?? "unreadable"),
    sentence: text(body?.error) ?? `This server answered with status ${response.status}.`,
    requestId: text(body?.request_id),
    retryAfter_s: retryAfter_s(response),
  };
}

/**
 * GET `url` as JSON: `{data, etag, age_s, fresh_s, ttl_s, detail}` or `{problem: {code, sentence, requestId, retryAfter_s}}`.
 * forced: have Kalshi asked even when the server's copy is fresh. Otherwise the browser revalidates its own copy,
 * and an unchanged body costs a 304.
 */
export async function ask(url, { forced = false } = {}) {
  try {
    const response = await fetch(url, {
      cache: forced ? "reload" : "no-cache",
      credentials: "same-origin",
      redirect: "error",
      headers: { Accept: "application/json" },
      signal: AbortSignal.timeout(LONGEST_WAIT_MS),
    });
    if (!response.ok) return { problem: await problemOf(response) };
    const data = await response.json();
    return { data, etag: response.headers.get("ETag"), ...readFreshness(response.headers) };
  } catch (error) {
    const [code, sentence] = error instanceof SyntaxError ? ["unreadable", NO_JSON] : ["unreachable", NO_SERVER];
    return { problem: { code, sentence, requestId: null, retryAfter_s: null } };
  }
}
