"""`python -m web.template_rules templates/`: what the CSP, and a later htmx 4, forbid in templates.

Prints `file:line: sentence` for each break and then exits with 1. Django's tags are blanked first, so that
what they guard is looked at as if it were always there.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

Attributes = list[tuple[str, str | None]]

# Comments first: what stands in one is no template.
DJANGO_PARTS = re.compile(
    r"{%\s*comment\b.*?{%\s*endcomment\s*%}|{#.*?#}|{%.*?%}|{{.*?}}",
    re.DOTALL,
)
VARS = re.compile(r"<c-vars\b(?P<names>.*?)/>", re.DOTALL)
VAR_NAME = re.compile(r""":?([\w-]+)\s*=\s*(?:"[^"]*"|'[^']*')|:?([\w-]+)""")
EVENT_HANDLER = re.compile(r"on[a-z]{3,}")
QUOTED = re.compile(r""" "[^"]*" | '[^']*' """, re.VERBOSE)
UNQUOTED = re.compile(r"\s([\w:-]+)=(?=[^\s>])")
TRIGGER_FILTER = re.compile(r"\w\[")
# In htmx 4 these are gone or mean something else, and fail silently.
CHANGED_IN_HTMX_4 = {"hx-disable", "hx-params", "hx-vars", "hx-ext"}


@dataclass(frozen=True, slots=True)
class Break:
    path: Path
    line: int
    sentence: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.sentence}"


def attribute_breaks(name: str, value: str) -> Iterator[str]:
    if name == "style":
        yield "style= is refused by the CSP: use a class, or an SVG attribute for a width."
    elif EVENT_HANDLER.fullmatch(name):
        yield f"{name}= is inline script, which the CSP refuses: listen in a module of static/js/."
    elif name.startswith(("hx-on", "data-hx-on")):
        yield f"{name} is inline script, which the CSP refuses: listen in a module of static/js/."
    elif name in CHANGED_IN_HTMX_4:
        yield f"{name} changes its meaning in htmx 4: do without."
    elif name in {"hx-vals", "hx-headers"} and value.lstrip().startswith(("js:", "javascript:")):
        yield f"{name} with js: needs eval, which the CSP refuses: send plain JSON."
    elif name == "hx-trigger" and TRIGGER_FILTER.search(value):
        yield "a filter in hx-trigger needs eval, which the CSP refuses: decide in a module of static/js/."
    elif name in {"href", "src", "action", "formaction"} and value.lstrip().lower().startswith("javascript:"):
        yield f"{name} with javascript: is refused by the CSP: use a button and a module of static/js/."


class _Reader(HTMLParser):
    def __init__(self, components: Path | None) -> None:
        super().__init__()
        self.components = components
        self.found: list[tuple[int, str]] = []

    def handle_starttag(self, tag: str, attrs: Attributes) -> None:
        self._look(tag, attrs)

    def handle_startendtag(self, tag: str, attrs: Attributes) -> None:
        self._look(tag, attrs)

    def _look(self, tag: str, attrs: Attributes) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "style":
            self._add("style", "<style> is refused by the CSP: write it in static/app.css.")
        if tag == "script" and "src" not in given and given.get("type") != "application/json":
            self._add("script", "inline script is refused by the CSP: write a module in static/js/.")
        for name, value in given.items():
            for sentence in attribute_breaks(name, value):
                self._add(name, sentence)
        if tag.startswith("c-") and tag not in {"c-vars", "c-slot"}:
            self._look_at_bindings(tag, given)

    def _look_at_bindings(self, tag: str, given: dict[str, str]) -> None:
        """cotton writes `:name="variable"` out unescaped where the component does not declare `name`."""
        declared = declared_vars(self.components, tag) if self.components else None
        if declared is None:
            return
        bare = UNQUOTED.findall(QUOTED.sub("", self.get_starttag_text() or ""))
        for name in [*(name for name in given if name.startswith(":")), *bare]:
            written = name.lstrip(":")
            if written not in declared:
                self._add(name, f'{name}= would be written unescaped: say {written}="{{{{ … }}}}".')

    def _add(self, word: str, sentence: str) -> None:
        before = (self.get_starttag_text() or "").lower().partition(word)[0]
        self.found.append((self.getpos()[0] + before.count("\n"), sentence))


@cache
def declared_vars(components: Path, tag: str) -> frozenset[str] | None:
    """What the component's <c-vars> names; None for a component that is not there."""
    path = components / f"{tag.removeprefix('c-').replace('-', '_').replace('.', '/')}.html"
    if not path.is_file():
        return None
    match = VARS.search(path.read_text(encoding="utf-8"))
    if match is None:
        return frozenset()
    return frozenset(one or other for one, other in VAR_NAME.findall(match["names"]))


def breaks_in(text: str, path: Path, components: Path | None = None) -> list[Break]:
    """All breaks of one template; `components` is the folder of cotton components, for bound attributes."""
    reader = _Reader(components)
    reader.feed(DJANGO_PARTS.sub(_blank, text))
    reader.close()
    return [Break(path, line, sentence) for line, sentence in reader.found]


def _blank(match: re.Match[str]) -> str:
    return re.sub(r"[^\n]", " ", match[0])


def templates_in(places: Iterable[str]) -> Iterator[tuple[Path, Path | None]]:
    """Each template with the folder of components that serves it."""
    for place in map(Path, places):
        root = place if place.is_dir() else place.parent
        components = root / "cotton"
        files = sorted(place.rglob("*.html")) if place.is_dir() else [place]
        for path in files:
            yield path, components if components.is_dir() else None


def main(places: list[str]) -> int:
    if not places:
        print("Name the folders to look through: python -m web.template_rules templates/", file=sys.stderr)
        return 2
    missing = [place for place in places if not Path(place).exists()]
    if missing:
        print(f"There is no {missing[0]}: name an existing folder or template.", file=sys.stderr)
        return 2
    count = 0
    for path, components in templates_in(places):
        for found in breaks_in(path.read_text(encoding="utf-8"), path, components):
            print(found)
            count += 1
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
