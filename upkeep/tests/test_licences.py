from __future__ import annotations

import pytest

from upkeep import licences, locks


def test_the_page_names_every_dependency_and_its_licence() -> None:
    assert licences.DOCUMENT.read_text() == licences.document(), ".venv/bin/python -m upkeep.licences"


@pytest.mark.parametrize("lock", ["requirements.txt", "requirements-dev.txt"])
def test_a_package_that_is_pinned_anew_has_to_be_named(lock: str, monkeypatch: pytest.MonkeyPatch) -> None:
    known = licences.names(lock)
    others = {name: licences.names(name) for name in ("requirements.txt", "requirements-dev.txt")}
    monkeypatch.setattr(licences, "names", {**others, lock: known | {"pinned-anew"}}.__getitem__)
    with pytest.raises(licences.Unknown, match="pinned-anew is pinned and not installed here"):
        licences.document()


@pytest.mark.parametrize(
    ("expression", "text", "classifiers", "stated"),
    [
        ("MIT", "see LICENSE", ["License :: OSI Approved :: BSD License"], "MIT"),
        (None, "Apache-2.0", ["License :: OSI Approved :: MIT License"], "Apache-2.0"),
        (
            None,
            "Permission is hereby granted\nto any person",
            ["License :: OSI Approved :: MIT License"],
            "MIT License",
        ),
        (
            None,
            "x" * 41,
            ["License :: DFSG approved", "License :: OSI Approved :: BSD License"],
            "BSD License",
        ),
        (None, "", ["Topic :: Internet"], None),
        (None, None, [], None),
    ],
)
def test_the_most_exact_statement_counts(
    expression: str | None, text: str | None, classifiers: list[str], stated: str | None
) -> None:
    assert licences.stated_in(expression, text, classifiers) == stated


def test_ours_is_mit() -> None:
    text = (locks.ROOT / "LICENSE").read_text()
    assert text.startswith("MIT License\n\nCopyright (c) 2026 Kalshi Gateway contributors\n")
    assert 'license = "MIT"' in (locks.ROOT / "pyproject.toml").read_text()
