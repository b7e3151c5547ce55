"""Calling the page's JavaScript modules from a test."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Page

CALL = """async ([module, name, calls]) => {
  const { [name]: tried } = await import(`/static/kalshi/js/${module}.js`);
  return calls.map((args) => tried(...args));
}"""


def results(page: Page, module: str, name: str, calls: list[list[Any]]) -> list[Any]:
    """What the function `name` of a module returns for each list of arguments."""
    found: list[Any] = page.evaluate(CALL, [module, name, calls])
    return found


def check(page: Page, module: str, name: str, cases: list[tuple[list[Any], Any]]) -> None:
    """Each case is (arguments, expected result); all wrong ones are shown at once."""
    found = results(page, module, name, [args for args, _ in cases])
    wrong = [(args, was, wanted) for (args, wanted), was in zip(cases, found, strict=True) if was != wanted]
    assert wrong == []
