"""The XML that Ogangi answers with, read so that no answer can harm: no entities, bounded in size and depth.

An answer is `input`, `status`, `description` and mostly `result`, shown side by side without a root: they are put into
one, and a root that is there after all is looked into, whatever its name.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from xml.parsers import expat

from providers.transport import MAX_ANSWER_BYTES

MAX_DEPTH = 16
MAX_ELEMENTS = 50_000

_DECLARATION = re.compile(r"\A\ufeff?\s*<\?xml\b[^>]{0,200}\?>")
_DECLARED = re.compile(rb"""\A\s*<\?xml\b[^>]{0,200}?\bencoding=["']([A-Za-z0-9._-]{1,40})["']""")
_CHARSETS = frozenset({"iso-8859-1", "windows-1252"})
# XML 1.0, 2.2: may stand in no document, yet vendors repeat texts that hold them.
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


@dataclass(frozen=True, slots=True)
class Element:
    """`name` without a namespace's prefix; `text` as it stands between the tags."""

    name: str
    text: str
    children: tuple[Element, ...] = ()

    def all(self, name: str) -> Iterator[Element]:
        return (child for child in self.children if child.name == name)

    def first(self, name: str) -> Element | None:
        return next(self.all(name), None)

    def value(self, *names: str) -> str:
        """Of the first child that has one of the names, without the blanks around it; "" without one."""
        found = next((child for name in names for child in self.all(name)), None)
        return found.text.strip() if found is not None else ""


@dataclass(frozen=True, slots=True)
class Envelope:
    """`status`: OK, BAD_SIGNATURE or ERROR, in upper case. `input` names a method, not always the one that was called.
    `result` is empty where the answer has none."""

    input: str
    status: str
    description: str
    result: Element


def read_envelope(body: bytes) -> Envelope | None:
    """None for anything that is no envelope: HTML, JSON, broken or endless XML, XML with a DOCTYPE."""
    root = read_xml(body)
    for element in (root, *root.children[:1]) if root else ():
        if status := element.value("status"):
            return Envelope(
                element.value("input"),
                status.upper(),
                element.value("description"),
                element.first("result") or Element("result", ""),
            )
    return None


def read_xml(body: bytes) -> Element | None:
    """What the body holds, as the children of one element; None for what is no XML."""
    if len(body) > MAX_ANSWER_BYTES:
        return None
    text = _FORBIDDEN.sub("", _DECLARATION.sub("", _decoded(body)))
    tree, parser = _Tree(), expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = tree.start
    parser.EndElementHandler = tree.end
    parser.CharacterDataHandler = tree.add
    try:
        # Inside an element a DOCTYPE is an error (XML 1.0, 2.8), so no entity can be declared, nor a file be named.
        parser.Parse(f"<answer>{text.removeprefix(chr(0xFEFF))}</answer>", True)
    except (expat.ExpatError, ValueError):
        return None
    return tree.root


def _decoded(body: bytes) -> str:
    """What is not of the charset becomes U+FFFD: ids and statuses can be read all the same."""
    if body.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return body.decode("utf-16", "replace")
    declared = _DECLARED.match(body)
    name = declared[1].decode().lower() if declared else ""
    return body.decode(name if name in _CHARSETS else "utf-8", "replace")


class _Tree:
    """Puts together what the parser tells. Raises ValueError beyond MAX_DEPTH and MAX_ELEMENTS."""

    def __init__(self) -> None:
        self.root: Element | None = None
        self._open: list[tuple[str, list[str], list[Element]]] = []
        self._count = 0

    def start(self, name: str, _attributes: dict[str, str]) -> None:
        self._count += 1
        if len(self._open) > MAX_DEPTH or self._count > MAX_ELEMENTS:
            raise ValueError("more elements than any answer has")
        self._open.append((name.rpartition(":")[2], [], []))

    def add(self, text: str) -> None:
        self._open[-1][1].append(text)

    def end(self, _name: str) -> None:
        name, texts, children = self._open.pop()
        element = Element(name, "".join(texts), tuple(children))
        if self._open:
            self._open[-1][2].append(element)
        else:
            self.root = element
