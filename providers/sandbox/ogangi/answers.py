"""The vendor's XML: elements side by side without a root, as document 002 prints them."""

import re
from datetime import UTC, datetime, tzinfo
from xml.sax.saxutils import escape

from providers.sandbox.wire import Answer

XML_TYPE = b"application/xml; charset=utf-8"
OK, ERROR, BAD_SIGNATURE = "OK", "ERROR", "BAD_SIGNATURE"
INTERNAL = "Internal error, please report this to support@example.com"

# XML 1.0, section 2.2: what no document may hold, not even escaped.
_FORBIDDEN = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def tag(name: str, value: object) -> str:
    return f"<{name}>{escape(_FORBIDDEN.sub(chr(0xFFFD), str(value)))}</{name}>"


def nest(name: str, *children: str) -> str:
    return f"<{name}> {' '.join(children)} </{name}>"


def envelope(
    operation: str,
    status: str = OK,
    description: str = "Completed",
    result: str = "",
    http: int = 200,
    headers: tuple[tuple[bytes, bytes], ...] = (),
) -> Answer:
    """`result` is XML, or empty where the operation has none."""
    elements = [tag("input", operation), tag("status", status), tag("description", description)]
    if result:
        elements.append(nest("result", result))
    return Answer(http, " ".join(elements).encode(), XML_TYPE, headers)


def moment(at: float, zone: tzinfo, timespec: str) -> str:
    """yyyy-MM-dd'T'HH:mm:ss with or without .SSS, and ZZ; `timespec` is seconds or milliseconds."""
    return datetime.fromtimestamp(at, UTC).astimezone(zone).isoformat(timespec=timespec)
