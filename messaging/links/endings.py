"""What stands right behind a code in a text, and programs take for a part of its address: which of it is let go of.

One place says so for the redirect, for the unsubscribe page and for the check of a text before it goes out.
"""

from __future__ import annotations

import re
from urllib.parse import unquote_to_bytes

# Behind the code: what ends a sentence, and programs take for a part of the address; of other alphabets byte by byte.
LINK = re.compile(r"/([0-9A-Za-z_-]{3,20})(?:[/.,;:!)\"'>*]|[\x80-\xff]{2,4}){0,3}", re.ASCII)
# Of letters and digits there is no telling whether they are another code.
UNSUBSCRIBE = r"^o/(?P<code>[0-9A-Za-z]{8})(?:[^0-9A-Za-z].{0,100})?$"

_UNSUBSCRIBE = re.compile(UNSUBSCRIBE)
_QUERY = re.compile("[?#]")


def link_opens(code: str, behind: str) -> bool:
    """`behind`: all that a program may take for a part of the address, as it is written."""
    match = LINK.fullmatch(f"/{code}{_asked(behind).decode('latin-1')}")
    return match is not None and match[1] == code


def unsubscribe_opens(code: str, behind: str) -> bool:
    match = _UNSUBSCRIBE.search(f"o/{code}{_asked(behind).decode(errors='replace')}")
    return match is not None and match["code"] == code


def _asked(behind: str) -> bytes:
    """What of it comes as the path: without query and fragment, and without the browser's escapes."""
    return unquote_to_bytes(_QUERY.split(behind, maxsplit=1)[0].encode(errors="replace"))
