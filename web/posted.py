"""What people send: texts that are none, and how ids and other whole numbers are read outside of forms."""

from __future__ import annotations

from typing import Any, TypeVar

from django.core.exceptions import BadRequest
from django.http import HttpRequest, QueryDict

from web.api_words import no_text
from web.texts import no_text_in, shown_text, without_halves

Value = TypeVar("Value")


class NotText(BadRequest):
    """What no text holds, where no form can tell it at its field; the page for bad requests shows the sentence."""

    def __init__(self, name: str, text: str) -> None:
        self.sentence = no_text(without_halves(name), text)
        super().__init__(self.sentence)


class Posted(QueryDict):
    """A form that holds, somewhere, what no text holds. Whoever reads that place gets NotText instead.

    The forms of web.forms read all of it, tell it at its field and keep the rest.
    """

    def __getitem__(self, name: str) -> Any:
        return self._text(name, super().__getitem__(name))

    def _getlist(self, key: str, default: Any = None, force_list: bool = False) -> Any:
        found = super()._getlist(key, default, force_list)  # type: ignore[misc]  # Django's stubs leave it out
        for value in found or ():
            self._text(key, value)
        return found

    @staticmethod
    def _text(name: str, value: Value) -> Value:
        if isinstance(value, str) and no_text_in(value):
            raise NotText(name, value)
        return value


def guard(request: HttpRequest) -> None:
    request.POST = guarded(request.POST)  # type: ignore[assignment]  # one that is guarded is a copy


def guarded(sent: QueryDict) -> QueryDict:
    """`sent` itself where it is sound."""
    if not not_texts(sent):
        return sent
    posted = Posted("", mutable=True, encoding=sent.encoding)
    for name, values in sent.lists():
        posted.setlist(name, values)
    return posted


def not_texts(sent: QueryDict) -> dict[str, str]:
    """By name: the first value that is no text, or the name itself."""
    found: dict[str, str] = {}
    for name, values in sent.lists():
        wrong = next((text for text in (name, *values) if no_text_in(text)), None)
        if wrong is not None:
            found[name] = wrong
    return found


def marked(sent: QueryDict) -> QueryDict:
    """Another one, with a mark in place of each such character."""
    plain = QueryDict("", mutable=True, encoding=sent.encoding)
    for name, values in sent.lists():
        plain.setlist(name, [shown_text(value) for value in values])
    return plain


# --- ids and other whole numbers

# As many as every whole number of the databases has room for.
ID_DIGITS = 18


def whole_number(raw: str, digits: int = ID_DIGITS) -> int | None:
    """Of digits alone, at most so many; None for all else: signs, blanks, 1e3, 1_0, ², an empty text."""
    return int(raw) if raw.isascii() and raw.isdigit() and len(raw) <= digits else None


def number_in(data: QueryDict, name: str, digits: int = ID_DIGITS) -> int | None:
    """Where it is sent several times, the last one counts."""
    return whole_number(data.get(name) or "", digits)


def ids_in(data: QueryDict, name: str = "selected") -> list[int]:
    """Of checkboxes, each once; what is no id is left out."""
    found = (whole_number(raw) for raw in data.getlist(name))
    return list(dict.fromkeys(number for number in found if number is not None))
