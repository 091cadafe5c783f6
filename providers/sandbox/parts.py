"""PDUs of a text: 3GPP TS 23.038 and 23.040, counted by the sandbox on its own."""

import re

GSM7, UCS2 = 0, 8  # data_coding values

_BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED = "\f^{}\\[~]|€"  # an escape and a character: two septets
_PLAIN = re.compile(f"[{re.escape(_BASIC)}]*")
_SEPTETS = dict.fromkeys(_BASIC, 1) | dict.fromkeys(_EXTENDED, 2)


def split(text: str) -> tuple[int, list[str]]:
    """Data coding and the parts' texts: 160 septets or 70 UTF-16 units alone, 153 or 67 when joined.

    An escape pair or a surrogate pair is never cut.
    """
    if len(text) <= 160 and _PLAIN.fullmatch(text):
        return GSM7, [text]
    if all(character in _SEPTETS for character in text):
        return GSM7, _pack(text, [_SEPTETS[character] for character in text], 160, 153)
    return UCS2, _pack(text, [2 if ord(character) > 0xFFFF else 1 for character in text], 70, 67)


def count(text: str) -> int:
    return len(split(text)[1])


def _pack(text: str, sizes: list[int], alone: int, joined: int) -> list[str]:
    if sum(sizes) <= alone:
        return [text]
    parts, start, filled = [], 0, 0
    for index, size in enumerate(sizes):
        if filled + size > joined:
            parts.append(text[start:index])
            start, filled = index, 0
        filled += size
    parts.append(text[start:])
    return parts
