"""Takes key ids and signatures out of what Kalshi sends, however they are spelt there. Pure.

Body and secret are compared by their letters and digits alone, without case and after escapes of JSON, URLs and HTML
were undone, each however often. So line breaks, other signs of Base64 and its missing end make no difference. Known are
whole secrets, and long ones that lack up to MAX_CUT letters at an end; not hexadecimal or other forms of them.
"""

import html
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import takewhile

MASK = b"***"
MAX_CUT = 8
LEAST_TO_CUT = 32

_SIGNS = frozenset("+/=-_")
# Every backslash of a run at once: a long run would else be read from each of them.
_TOKEN = re.compile(
    rb"(?P<entity>(?:&|(?<!\\)\\++u0026)(?:amp;)*(?P<name>#0*[0-9]{1,3}|#x0*[0-9a-f]{2}|[a-z]{1,8});)"
    rb"|(?<!\\)\\++(?:u00(?P<unicode>[0-9a-f]{2})|x(?P<hex>[0-9a-f]{2})|(?P<escape>[nrtbf/]))"
    rb"|%(?:25)*(?:u00)?(?P<url>[0-9a-f]{2})"
    rb"|(?P<plain>[0-9a-z]+|[+/=_-])",
    re.IGNORECASE,
)


@dataclass
class _Letters:
    """The letters and digits of a body, in lower case, and where each begins and ends, signs beside it included."""

    text: str = ""
    starts: list[int] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)


def masked(body: bytes, secrets: Iterable[str]) -> bytes:
    """The body with the mask in place of each secret."""
    wanted = [letters for secret in secrets if (letters := _letters_of(secret.encode()).text)]
    if not wanted:
        return body
    found = _letters_of(body)
    parts, done = [], 0
    for start, end in sorted(span for letters in wanted for span in _spans(found, letters)):
        if start >= done:
            parts += [body[done:start], MASK]
        done = max(done, end)
    return b"".join([*parts, body[done:]])


def _letters_of(body: bytes) -> _Letters:
    found, parts = _Letters(), []
    signs_from = signs_to = -1
    for token in _TOKEN.finditer(body):
        text, start, end = _undone(token), *token.span()
        if text.isascii() and text.isalnum():
            parts.append(text.lower())
            first = signs_from if signs_to == start else start
            is_run = len(text) == end - start
            found.starts += [first, *range(start + 1, end)] if is_run else [first]
            found.ends += range(start + 1, end + 1) if is_run else [end]
        elif text in _SIGNS:
            if found.ends and found.ends[-1] == start:
                found.ends[-1] = end
            if text != "=":
                signs_from, signs_to = (signs_from if signs_to == start else start), end
    found.text = "".join(parts)
    return found


def _undone(token: re.Match[bytes]) -> str:
    """What an escape stands for; a control character or a longer text for what is neither letter nor sign."""
    if token["plain"]:
        return token["plain"].decode()
    if token["entity"]:
        return html.unescape(f"&{token['name'].decode()};")
    if token["escape"]:
        return "/" if token["escape"] == b"/" else "\n"
    return chr(int(token["unicode"] or token["hex"] or token["url"], 16))


def _spans(found: _Letters, letters: str) -> Iterator[tuple[int, int]]:
    """From where to where in the body the secret stands; they may overlap."""
    cut = MAX_CUT if len(letters) >= LEAST_TO_CUT else 0
    head, core, tail = letters[:cut], letters[cut : len(letters) - cut], letters[len(letters) - cut :]
    for first in _places(found.text, letters):
        yield found.starts[first], found.ends[first + len(letters) - 1]
    for first in _places(found.text, core):
        last = first + len(core)
        before = _shared(found.text[max(0, first - cut) : first][::-1], head[::-1])
        after = _shared(found.text[last : last + cut], tail)
        yield found.starts[first - before], found.ends[last + after - 1]


def _places(text: str, part: str) -> Iterator[int]:
    at = text.find(part)
    while at >= 0:
        yield at
        at = text.find(part, at + len(part))


def _shared(one: str, other: str) -> int:
    """How many letters both begin with."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))
