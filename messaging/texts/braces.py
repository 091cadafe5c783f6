"""What looks like a token and is none, and goes out as it stands: `{first_name}`, `first_name}}`, full-width braces."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from messaging.tokens import literals

_FULL_WIDTH = "\uff5b\uff5d"
_NAME = r"[^\s{}|:](?:[^{}|:\n]{0,98}[^\s{}|:])?"
_LIKE = re.compile(
    rf"\{{[ \t]{{0,9}}(?P<single>{_NAME})[ \t]{{0,9}}(?:\|[^{{}}\n]{{0,200}})?\}}|[{_FULL_WIDTH}]{{2}}|\}}\}}"
)


# What stands behind a link without a blank, and is taken for a part of its address by whoever follows it. Up to three signs
# that end a sentence are led on by (links/redirect.py), and so is what a question mark begins.
_ENDS = "/.,;:!)\"'>*\u2019\u201d\u2026\u3002\u00bb\u300d\u300f"
_GLUED = re.compile(
    r"(\{\{\s*(?:link|link_list|shorten_url|unsubscription_link|callback_link)\s*(?::[^{}]*)?\}\})"
    rf"(?![{_ENDS}]{{0,3}}(?:\s|\Z|[?#]))"
)


@dataclass(frozen=True, slots=True)
class Stray:
    """`meant`: the token; "" where nobody can say which. `line` and `column`: from 1."""

    written: str
    meant: str
    line: int
    column: int


def stray_braces(source: str, names: Collection[str]) -> list[Stray]:
    """`names`: of tokens and columns; a single brace around anything else is text."""
    return list(_found(source, frozenset(names)))


def glued_links(source: str) -> list[str]:
    """Tokens of links that something stands behind without a blank, as they are written."""
    return [found[1] for found in _GLUED.finditer(source)]


def _found(source: str, names: frozenset[str]) -> Iterator[Stray]:
    seen, line = 0, 1
    for start, text in literals(source):
        for found in _LIKE.finditer(text):
            name = found["single"]
            if name is not None and name not in names:
                continue
            at = start + found.start()
            line += source.count("\n", seen, at)
            seen = at
            column = at - source.rfind("\n", 0, at)
            yield Stray(found[0], f"{{{{{name}}}}}" if name else "", line, column)
