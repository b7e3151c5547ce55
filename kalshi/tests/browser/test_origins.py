"""The table of origins is a browser's, not ours."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser

from dashboard.tests.env.origins import ORIGINS

pytestmark = pytest.mark.browser


def test_chromium_writes_each_origin_as_the_table_says(browser: Browser) -> None:
    page = browser.new_page()
    written = page.evaluate("texts => texts.map(text => new URL(text).origin)", list(ORIGINS))
    page.close()
    assert dict(zip(ORIGINS, written, strict=True)) == ORIGINS
