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
