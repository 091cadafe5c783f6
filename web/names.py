"""One rule for the names that people give: each character of them can be seen."""

from __future__ import annotations

import re

from django.utils.translation import gettext as _

from sms.parts import character_name
from sms.unseen import is_unseen, without_spelling

# What comes along with a name that is copied from elsewhere: at its ends it says nothing.
_COPIED_ALONG = "\u00ad\u200b\u200e\u200f\u2060\ufeff"
_LINES = frozenset("\n\r\t")
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f]")


def stripped_name(value: object) -> str:
    """Without blanks, and what nobody sees, at its ends."""
    name = str(value)
    while (shorter := name.strip().strip(_COPIED_ALONG)) != name:
        name = shorter
    return name


def name_problem(name: str) -> str:
    """Of a name as `stripped_name` gives it: what of it nobody can see, and where; "" for a good one."""
    for place, char in enumerate(without_spelling(name), start=1):
        if is_unseen(char) or char in _LINES:
            sentence = _(
                "The name holds a character that cannot be seen: %(char)s at place %(place)d. Take it out."
            )
            return sentence % {"char": character_name(char), "place": place}
    return ""


def seen_name(text: str) -> str:
    """What can be seen of a text that names something by itself, such as that of a file."""
    text = _CONTROLS.sub(" ", text)
    kept = (char for char, alone in zip(text, without_spelling(text), strict=True) if not is_unseen(alone))
    return stripped_name("".join(kept))
