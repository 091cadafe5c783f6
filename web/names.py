"""One rule for the names that people give: each character of them can be seen."""

from __future__ import annotations

from django.utils.translation import gettext as _

from sms.parts import character_name
from sms.unseen import is_unseen, without_spelling

# What comes along with a name that is copied from elsewhere: at its ends it says nothing.
_COPIED_ALONG = "\u00ad\u200b\u200e\u200f\u2060\ufeff"
_BLANK = _COPIED_ALONG + "".join(filter(str.isspace, map(chr, range(0x3001))))
_LINES = frozenset("\n\r\t")


def stripped_name(value: object) -> str:
    """Without blanks, and what nobody sees, at its ends."""
    return str(value).strip(_BLANK)


def name_problem(name: str) -> str:
    """Of a name as `stripped_name` gives it: what of it nobody can see, and where; "" for a good one."""
    for place, char in enumerate(without_spelling(name), start=1):
        if is_unseen(char) or char in _LINES:
            sentence = _(
                "The name holds a character that cannot be seen: %(char)s at place %(place)d. Take it out."
            )
            return sentence % {"char": _named(char), "place": place}
    return ""


def _named(char: str) -> str:
    if char in "\n\r":
        return _("a line end (%(code)s)") % {"code": character_name(char)}
    return _("a tab (%(code)s)") % {"code": character_name(char)} if char == "\t" else character_name(char)


def seen_name(text: str) -> str:
    """What can be seen of a text that names something by itself, such as that of a file."""
    seen = (
        char if not is_unseen(alone) and alone not in _LINES else "" if alone in _COPIED_ALONG else " "
        for char, alone in zip(text, without_spelling(text), strict=True)
    )
    return stripped_name(" ".join("".join(seen).split()))
