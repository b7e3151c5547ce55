"""The form of the secrets that we hand out: 64 hexadecimal digits, known wherever somebody puts one. Pure."""

import re
import secrets

BYTES = 32
DIGITS = 2 * BYTES

# A digit may be percent-encoded, however often, and a line may have been broken anywhere. Longer runs are masked too:
# somebody may have typed a digit beside it.
_DIGIT = r"(?:[0-9A-Fa-f]|%(?:25)*+(?:3[0-9]|[46][1-6]))"
_ENCODED_BREAK = r"%(?:25)*+(?:[01][0-9A-Fa-f]|20)"
_BREAK = rf"(?:[^\x21-\x7e]|{_ENCODED_BREAK})"
# Whatever could be a part of a secret: in what stands between, there is nothing to look for.
_PART = r"[^\x21-\x24\x26-\x2f\x3a-\x40\x47-\x60\x67-\x7e]"
_STRETCH = re.compile(f"(?<!{_PART}){_PART}{{{DIGITS},}}+")
# Of any length, so that nothing is read again because it is too short.
_RUN = re.compile(f"{_DIGIT}(?:{_BREAK}{{0,8}}+{_DIGIT})*+")
_TOKEN = re.compile(f"(?P<digit>{_DIGIT})|{_ENCODED_BREAK}")


def new_secret() -> str:
    return secrets.token_hex(BYTES)


def masked(text: str, mask: str) -> str:
    """The text with the mask in the place of each of our secrets. The time it takes grows with the text's length."""

    def run(found: re.Match[str]) -> str:
        text = found[0]
        return mask if len(text) >= DIGITS and _most_digits(text) >= DIGITS else text

    return _STRETCH.sub(lambda found: _RUN.sub(run, found[0]), text)


def _most_digits(run: str) -> int:
    """How many it has, read from where they are most: behind a percent sign a secret may begin too."""
    most = 0
    for token in _TOKEN.finditer(run):
        begun = len(token[0]) - 1 if token[0][0] == "%" else 0
        most = max(most + (token["digit"] is not None), begun)
    return most
