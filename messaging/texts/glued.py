"""What stands right beside a link in a text, as it is sent, and spoils it: a link ends and begins with a blank."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from messaging.content import SAMPLE_CODE
from messaging.links.endings import link_opens, unsubscribe_opens
from messaging.tokens import LINKS, UNSUBSCRIPTION_LINK, Placed, placed_tokens
from sms.parts import swap_smart

# Stands for what another token becomes: nobody knows, mostly letters.
_ANY = "x"
_BLANK = re.compile(r"\s")
# What stands before an address that brings its own: https://, http:, www.
_SCHEME = re.compile(r"(?:[a-z][a-z0-9+.-]{0,30}:/+|https?:|www\.)\Z", re.IGNORECASE | re.ASCII)
# Looked at before a link: no scheme is longer.
_LOOKED_BACK = 50


class Glue(StrEnum):
    # It is taken for a part of the address, which then leads nowhere.
    BEHIND = "behind"
    # The address brings its own.
    SCHEME = "scheme"
    # Phones then make no link of it.
    BEFORE = "before"


@dataclass(frozen=True, slots=True)
class Glued:
    """`link`: its token as it is written. `beside`: what spoils it, "" for another token. `line`, `column`: of the link."""

    glue: Glue
    link: str
    beside: str
    line: int
    column: int


def glued_links(source: str, *, swaps: bool = False) -> list[Glued]:
    """`swaps`: whether characters are swapped when it is sent."""
    return list(_found(source, swaps))


def _found(source: str, swaps: bool) -> Iterator[Glued]:
    tokens = list(placed_tokens(source))
    line, seen = 1, 0
    for at, token in enumerate(tokens):
        kind = _kind(token)
        if kind not in LINKS:
            continue
        before, after = (tokens[at - 1] if at else None), (tokens[at + 1] if at + 1 < len(tokens) else None)
        line += source.count("\n", seen, token.start)
        seen = token.start
        column = token.start - source.rfind("\n", 0, token.start)
        written = source[token.start : token.end]
        ahead = source[before.end if before else 0 : token.start]
        if glue := _glue_before(_sent_before(ahead, swaps), is_first=before is None, follows=before):
            yield Glued(glue[0], written, glue[1], line, column)
        behind = source[token.end : after.start if after else len(source)]
        if (beside := _glued_behind(kind, behind, swaps, has_next=after is not None)) is not None:
            yield Glued(Glue.BEHIND, written, beside, line, column)


def _kind(token: Placed) -> str:
    return token.name.partition(":")[0].strip()


def _sent_before(text: str, swaps: bool) -> str:
    text = text[-_LOOKED_BACK:]
    return swap_smart(text) if swaps else text


def _glue_before(text: str, *, is_first: bool, follows: Placed | None) -> tuple[Glue, str] | None:
    if not text:
        # Behind another link it is that one which is spoilt.
        return None if is_first or follows is None or _kind(follows) in LINKS else (Glue.BEFORE, "")
    if scheme := _SCHEME.search(text):
        return Glue.SCHEME, scheme[0]
    if text[-1] == "_" or unicodedata.category(text[-1])[0] in "LNM":
        return Glue.BEFORE, text[-1]
    return None


def _glued_behind(kind: str, text: str, swaps: bool, *, has_next: bool) -> str | None:
    """None where the link opens with what stands behind it."""
    if swaps:
        text = swap_smart(SAMPLE_CODE + text).removeprefix(SAMPLE_CODE)
    blank = _BLANK.search(text)
    beside = text[: blank.start()] if blank else text
    opens = unsubscribe_opens if kind == UNSUBSCRIPTION_LINK else link_opens
    return None if opens(SAMPLE_CODE, beside if blank or not has_next else beside + _ANY) else beside
