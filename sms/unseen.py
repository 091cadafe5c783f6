"""Characters that nobody sees: controls, fillers, and joiners, selectors and tags where they do nothing."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

# Unicode's categories of format characters, control characters and separators of lines.
_UNSEEN = frozenset({"Cf", "Cc", "Zl", "Zp"})
# Format characters that are drawn: they stand before a number and hold it.
_DRAWN = frozenset("\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd")
# Letters and marks by their category, and yet nothing to see: fillers, the grapheme joiner, inherent vowels, the empty
# Braille cell, the empty note head; code points kept for such by Unicode; selectors of a variant.
_EMPTY = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2065\u2800\u3164\ufe00-\ufe0f\uffa0\ufff0-\ufff8\U0001d159"
    "\U000e0000-\U000e0fff]"
)
_SEEN = frozenset("\n\r\t")

# What emoji are made of, the colours of skin among them; \ufe0f follows one, and a joiner makes several one.
_PICTURE = (
    "[\u00a9\u00ae\u203c\u2049\u2122\u2139\u2194-\u21aa\u231a-\u23ff\u24c2\u25aa-\u27bf\u2934\u2935\u2b05-\u2b55\u3030"
    "\u303d\u3297\u3299\U0001f000-\U0001faff]"
)
# Scripts whose letters join or part by a joiner between them: Arabic and its kin, Mongolian, those of India and beyond.
_JOINING = (
    "[\u0600-\u109f\u1780-\u18af\u1a20-\u1aaf\u1b00-\u1c4f\ua840-\ua8ff\ua930-\ua9df\uaa00-\uaaff"
    "\U00010a00-\U00011fff]"
)
_HAN = "[\u2e80-\u2fdf\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
# Where these are spelling: an emoji of several, a keycap, Persian, the flag of Scotland, a variant of a letter.
_SPELLING = re.compile(
    f"(?<={_PICTURE})[\ufe0e\ufe0f]|(?<=[0-9#*])\ufe0f(?=\u20e3)"
    f"|(?:(?<={_PICTURE})|(?<={_PICTURE}\ufe0f))\u200d(?={_PICTURE})"
    f"|(?<={_JOINING})[\u200c\u200d](?={_JOINING})"
    "|(?<=\U0001f3f4)[\U000e0030-\U000e0039\U000e0061-\U000e007a]{1,6}\U000e007f"
    f"|(?<={_HAN})[\ufe00-\ufe0f\U000e0100-\U000e01ef]"
    "|(?<=[\u1820-\u18aa])[\u180b-\u180f]"
    "|(?<=[\u1000-\u109f\u2200-\u22ff\u2a00-\u2aff])\ufe00"
)


def without_spelling(text: str) -> str:
    """A blank in the place of each character that nobody sees by itself and that yet says how another is written."""
    if text.isascii():
        return text
    return _SPELLING.sub(lambda found: " " * len(found[0]), text)


@lru_cache(maxsize=1024)
def is_unseen(char: str) -> bool:
    """Of a text `without_spelling`."""
    if char in _SEEN or char in _DRAWN:
        return False
    return bool(_EMPTY.match(char)) or unicodedata.category(char) in _UNSEEN
