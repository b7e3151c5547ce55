"""Amounts, counts, prices and times as text: the page's formatting, run in a real browser."""

from __future__ import annotations

import random
from decimal import Decimal
from typing import Any

import pytest
from playwright.sync_api import Page

from kalshi.tests.browser.modules import check

pytestmark = pytest.mark.browser

DASH = "—"
NEW_YORK_NOON_MS = 1_794_934_800_000  # 2026-11-17T17:00:00Z
NO_DECIMALS = (None, "", " ", "abc", "1e5", "1,000", "0x10", ".5", "1.", "--1", "NaN", "1" * 25)
NO_TEXTS = (12.5, 12, True, [], {}, {"units": 5, "scale": 2})


def test_money_is_exact_to_the_last_digit_sent(modules: Page) -> None:
    cases: list[tuple[Any, str]] = [
        ("98.0186", "$98.0186"),
        ("464.850000", "$464.85"),
        ("0", "$0.00"),
        ("-0.0000", "$0.00"),
        ("0.000001", "$0.000001"),
        ("-12.3400", "−$12.34"),
        ("-0.0075", "−$0.0075"),
        ("+7.1", "$7.10"),
        ("1234567.5", "$1,234,567.50"),
        ("999.999999", "$999.999999"),
        ("100000000000000000.10", "$100,000,000,000,000,000.10"),
        ("0.1", "$0.10"),
    ]
    check(modules, "format", "money", [([text], wanted) for text, wanted in cases])
    check(modules, "format", "money", [([value], DASH) for value in NO_DECIMALS + NO_TEXTS])


def test_money_agrees_with_decimal_arithmetic_on_many_numbers(modules: Page) -> None:
    chance = random.Random(20261120)
    texts = []
    for _ in range(500):
        digits, decimals = chance.randint(1, 15), chance.randint(0, 8)
        whole = str(chance.randrange(10**digits))
        texts.append(
            chance.choice(["", "-"])
            + whole
            + (f".{chance.randrange(10**decimals):0{decimals}d}" if decimals else "")
        )

    def expected(text: str) -> str:
        number = Decimal(text)
        plain = f"{abs(number):,f}"
        whole, _, fraction = plain.partition(".")
        return f"{'−' if number < 0 else ''}${whole}.{fraction.rstrip('0').ljust(2, '0')}"

    check(modules, "format", "money", [([text], expected(text)) for text in texts])


VALUES: dict[str, dict[Any, Any]] = {
    "signedMoney": {"12.4": "+$12.40", "-18.2250": "−$18.225", "0.0000": "$0.00", None: DASH},
    "count": {"12.00": "12", "1250.50": "1,250.5", "-80.00": "−80", "0.01": "0.01", "0.00": "0", "x": DASH},
    "magnitude": {"-80.25": "80.25", "12.00": "12", None: DASH},
    "price": {"0.4200": "42¢", "0.4215": "42.15¢", "0.0001": "0.01¢", "1.0000": "100¢", "0": "0¢", "": DASH},
    "duration": {
        **{0: "0 s", 12.9: "12 s", 59.99: "59 s", 60: "1 min", 3599: "59 min", 3600: "1 h"},
        **{7500: "2 h 5 min", 90000: "1 d 1 h", -3: "0 s", None: DASH},
    },
    "ago": {0.4: "just now", 12: "12 s ago", 200: "3 min ago", None: DASH},
    "instant": {
        "2026-11-17T17:00:00Z": NEW_YORK_NOON_MS,
        "2026-11-17T17:00:00.123456Z": NEW_YORK_NOON_MS + 123,
        "2026-11-17T12:00:00-05:00": NEW_YORK_NOON_MS,
        "2024-02-29T00:00:00Z": 1_709_164_800_000,
        **{"0001-01-01T00:00:00Z": None, "soon": None, None: None, 5: None},
        **dict.fromkeys(("unknown 7", "5", "Nov 2026", "12/11/2026", "2026-11-28", "2026-11-28T10:00:00")),
        **dict.fromkeys(
            ("2026-02-31T00:00:00Z", "2025-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-00-10T00:00:00Z")
        ),
        **dict.fromkeys(
            (
                "2026-11-28T24:00:00Z",
                "2026-11-28T25:00:00Z",
                "2026-11-28T10:60:00Z",
                "2026-11-28T10:00:00+99:99",
            )
        ),
        **dict.fromkeys(
            ("2026-11-28T10:00:00Z (local)", "+275760-09-13T00:00:00Z", "2026-11-28T10:00:00.Z", "")
        ),
    },
}


@pytest.mark.parametrize("name", VALUES)
def test_values_as_text(modules: Page, name: str) -> None:
    check(modules, "format", name, [([value], wanted) for value, wanted in VALUES[name].items()])


def test_an_amount_in_cents_that_a_number_cannot_hold_is_unknown(modules: Page) -> None:
    found = modules.evaluate(
        """async (bodies) => {
          const { balance } = await import("/static/kalshi/js/portfolio.js");
          const { money } = await import("/static/kalshi/js/format.js");
          return bodies.map((body) => money(balance(JSON.parse(body)).cash));
        }""",
        [f'{{"balance":{number}}}' for number in CENTS],
    )
    assert dict(zip(CENTS, found, strict=True)) == CENTS


CENTS = {
    "5": "$0.05",
    "-123456": "−$1,234.56",
    "70368744177663": "$703,687,441,776.63",
    **dict.fromkeys(
        ("70368744177663.01", "4503599627370495.2", "9007199254740990.6", "9007199254740993"), DASH
    ),
    **dict.fromkeys(("0.5", "1e999", "-9007199254740990.6", "null", "true"), DASH),
}


def test_an_empty_side_of_the_book_is_no_price(modules: Page) -> None:
    cases = [
        (["0.0000", "bid"], DASH),
        (["0", "bid"], DASH),
        (["0.0100", "bid"], "1¢"),
        (["1.0000", "ask"], DASH),
        (["1.0000", "bid"], "100¢"),
        (["0.0000", "ask"], "0¢"),
        ([None, "ask"], DASH),
    ]
    check(modules, "format", "quote", cases)


def test_times_are_shown_in_the_readers_zone(modules: Page) -> None:
    cases = [
        (["2026-11-17T15:30:00Z", NEW_YORK_NOON_MS], "10:30 AM"),
        (["2026-11-17T04:59:00Z", NEW_YORK_NOON_MS], "Nov 16, 11:59 PM"),
        (["2026-11-17T05:00:00Z", NEW_YORK_NOON_MS], "12:00 AM"),
        (["0001-01-01T00:00:00Z", NEW_YORK_NOON_MS], DASH),
        ([None, NEW_YORK_NOON_MS], DASH),
    ]
    check(modules, "format", "moment", cases)
