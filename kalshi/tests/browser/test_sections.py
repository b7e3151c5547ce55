"""How old a section is, what it says about that, and when it asks again."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from kalshi.tests.browser.modules import check, results
from kalshi.tests.servers import Gateway

pytestmark = pytest.mark.browser


@pytest.mark.parametrize(
    ("age", "cache_control", "cache_status", "wanted"),
    [
        ("12", "private, max-age=60, stale-if-error=86400", "kalshi; hit; ttl=48", [12, 60, 48, None]),
        ("200", "max-age=60", "kalshi; hit; ttl=-140; detail=refreshing", [200, 60, -140, "refreshing"]),
        ("0", "max-age=30", "kalshi; fwd=miss; stored", [0, 30, None, None]),
        ("9", "max-age=1", "kalshi; hit; ttl=-8; detail=no_credentials", [9, 1, -8, "no_credentials"]),
        ("", "private, no-cache", "", [0, 0, None, None]),
        (
            "",
            "max-age=60",
            "nginx; hit; ttl=-1; detail=gateway_unavailable",
            [None, 60, -1, "gateway_unavailable"],
        ),
        ("old", "x-max-age=5", "kalshi; hit; ttl=soon", [0, 0, None, None]),
    ],
)
def test_freshness_is_read_from_the_headers(
    modules: Page, age: str, cache_control: str, cache_status: str, wanted: list[Any]
) -> None:
    found = modules.evaluate(
        """async (headers) => {
          const { readFreshness } = await import("/static/kalshi/js/freshness.js");
          const { age_s, fresh_s, ttl_s, detail } = readFreshness(new Headers(headers));
          return [age_s, fresh_s, ttl_s, detail];
        }""",
        {"Age": age, "Cache-Control": cache_control, "Cache-Status": cache_status},
    )
    assert found == wanted


def state(age_s: float | None = 12, fresh_s: float = 30, **changes: Any) -> dict[str, Any]:
    """A section's state as seen at 1,000 s on the page's clock."""
    fetched_ms = None if age_s is None else (1000 - age_s) * 1000
    data = None if age_s is None else {}
    known = {"data": data, "fetched_ms": fetched_ms, "fresh_s": fresh_s, "detail": None, "problem": None}
    return {**known, "busy": False, "tries": 0, "due_ms": 0, "floor_s": 1} | changes


GARBAGE = "Kalshi sent something unreadable"
REFUSED = "Kalshi refuses the key"


def problem(code: str, retry_after_s: float | None = None) -> dict[str, Any]:
    return {"code": code, "sentence": "A sentence.", "requestId": None, "retryAfter_s": retry_after_s}


@pytest.mark.parametrize(
    ("state", "last_error", "tone", "text"),
    [
        (state(None), None, "loading", "loading"),
        (
            state(None, detail="gateway_unavailable"),
            None,
            "stale",
            "stale: it cannot be refreshed, age unknown",
        ),
        (state(), None, "fresh", "12 s ago"),
        (state(12, busy=True), None, "fresh", "12 s ago"),
        (state(32, busy=True), None, "refreshing", "32 s ago, refreshing"),
        (state(34, detail="refreshing"), None, "refreshing", "34 s ago, refreshing"),
        (state(90, detail="refreshing"), None, "stale", "stale: waiting for Kalshi, 1 min old"),
        (
            state(34, detail="refreshing"),
            "upstream_unavailable",
            "stale",
            "stale: Kalshi is unavailable, 34 s old",
        ),
        (state(200, detail="upstream_unavailable"), None, "stale", "stale: Kalshi is unavailable, 3 min old"),
        (
            state(200, detail="upstream_rate_limited"),
            None,
            "stale",
            "stale: the request budget is spent, 3 min old",
        ),
        (state(200, detail="upstream_bad_payload"), None, "stale", f"stale: {GARBAGE}, 3 min old"),
        (state(200, detail="a_new_code"), None, "stale", "stale: it cannot be refreshed, 3 min old"),
        (state(12), "upstream_unavailable", "fresh", "12 s ago"),
        (state(200), None, "due", "3 min ago"),
        (
            state(200, problem=problem("unreachable")),
            None,
            "stale",
            "stale: this server does not answer, 3 min old",
        ),
        (state(200, problem=problem("not_signed_in")), None, "stale", "stale: signed out, 3 min old"),
        (state(200, problem=problem("upstream_rejected_key")), None, "error", f"stale: {REFUSED}, 3 min old"),
        (state(200, problem=problem("endpoint_off")), None, "off", "switched off, 3 min old"),
        (state(None, problem=problem("endpoint_off")), None, "off", "switched off"),
        (state(None, problem=problem("upstream_unavailable")), None, "error", "no data"),
    ],
)
def test_a_section_says_how_it_stands(
    modules: Page, state: dict[str, Any], last_error: str | None, tone: str, text: str
) -> None:
    check(modules, "freshness", "mark", [([state, 1_000_000, last_error], {"tone": tone, "text": text})])


@pytest.mark.parametrize(
    ("state", "least_s", "most_s"),
    [
        (state(12, 30), 18, 18.5),
        (state(29.9, 30), 1, 1),
        (state(40, 30), 1, 1),
        (state(0, 0, floor_s=5), 5, 5),
        (state(34, detail="refreshing", tries=1), 0.5, 1),
        (state(34, detail="upstream_unavailable", tries=1), 1.5, 3),
        (state(34, detail="upstream_unavailable", tries=50), 7.5, 15),
        (state(34, problem=problem("unreachable"), tries=1), 1, 2),
        (state(34, problem=problem("unreachable"), tries=3), 4, 8),
        (state(34, problem=problem("upstream_rate_limited", 40), tries=1), 40, 40),
        (state(34, problem=problem("not_signed_in"), tries=1), 30, 30),
        (state(34, problem=problem("endpoint_off"), tries=1), 15, 15),
    ],
)
def test_the_next_question_comes_in_time_and_not_before(
    modules: Page, state: dict[str, Any], least_s: float, most_s: float
) -> None:
    found = results(
        modules, "section", "delay_s", [[state, 1_000_000, chance] for chance in (0, 0.25, 0.5, 1)]
    )
    assert found == sorted(found)
    assert least_s <= found[0] <= found[-1] <= most_s


def test_a_hidden_page_asks_at_most_once_a_minute(modules: Page) -> None:
    ready = state()
    cases = [
        ([ready, 1_000_000, False, 999_000], True),
        ([ready, 1_000_000, True, 999_000], False),
        ([ready, 1_000_000, True, 940_000], True),
        ([ready, 1_000_000, True, None], True),
        ([state(busy=True), 1_000_000, False, None], False),
        ([state(due_ms=1_000_001), 1_000_000, False, None], False),
    ]
    check(modules, "section", "isDue", cases)


def test_a_problem_never_drops_the_data(modules: Page) -> None:
    known = state(12) | {"data": {"balance": 1}, "etag": '"a"'}
    (after,) = results(
        modules, "section", "absorb", [[known, {"problem": problem("unreachable")}, 1_000_000, 0.5]]
    )
    assert (after["data"], after["etag"], after["fetched_ms"]) == ({"balance": 1}, '"a"', 988_000)
    assert after["problem"]["code"] == "unreachable"
    news = {"data": {"balance": 2}, "etag": '"b"', "age_s": 3, "fresh_s": 30, "ttl_s": None, "detail": None}
    (healed,) = results(modules, "section", "absorb", [[after, news, 1_001_000, 0.5]])
    assert (healed["data"], healed["problem"], healed["tries"]) == ({"balance": 2}, None, 0)
    assert healed["fetched_ms"] == 998_000


POLLER = """async () => {
  const { Poller } = await import("/static/kalshi/js/poller.js");
  const asked = [];
  let open = 0, most = 0;
  let answer;
  window.fetch = (url, { cache }) => {
    asked.push(cache);
    most = Math.max(most, ++open);
    return new Promise((resolve) => { answer = () => { open--; resolve(Response.json({})); }; });
  };
  const settle = () => new Promise((resolve) => setTimeout(resolve, 0));
  let changes = 0;
  const poller = new Poller("/x", () => 1e6, () => { changes++; });
  poller.tick(false); poller.tick(false); poller.refresh(); poller.refresh();
  await settle();
  const before = [...asked];
  answer(); await settle(); await settle();
  const after = [...asked];
  answer(); await settle(); await settle();
  poller.tick(false);
  return { before, after, most, end: [...asked], busy: poller.state.busy };
}"""


def test_one_question_at_a_time_and_a_refresh_in_between_comes_after(
    browser: Browser, gateway: Gateway
) -> None:
    page = browser.new_page()
    page.goto(f"{gateway.base_url}/sign-in/")
    found = page.evaluate(POLLER)
    page.close()
    assert found == {
        "before": ["no-cache"],
        "after": ["no-cache", "reload"],
        "most": 1,
        "end": ["no-cache", "reload"],
        "busy": False,
    }


def test_a_row_of_the_status_says_when_it_has_no_copy_and_when_the_age_of_one_is_unknown(
    modules: Page,
) -> None:
    ages = {
        ("stale", None): "age unknown",
        ("empty", None): "no copy",
        ("off", None): "off",
        ("fresh", 3): "3 s old",
    }
    rows = [{"state": state, "age_s": age_s, "last_error": None} for state, age_s in ages]
    found = results(modules, "connection", "endpointState", [[row] for row in rows])
    assert [row["age"] for row in found] == list(ages.values())
