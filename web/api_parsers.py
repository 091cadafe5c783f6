"""How bodies of the API are read: refused in words is what no database can keep and no answer can repeat."""

from __future__ import annotations

import codecs
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from django.utils.translation import gettext as _
from rest_framework import exceptions, parsers
from rest_framework.exceptions import ErrorDetail
from rest_framework.utils.json import strict_constant

from web.api_words import MOST_NAMES, WHOLE, no_text
from web.texts import no_text_in, without_halves

# The deepest body that is read here has four: an own column of one of many recipients.
MOST_LEVELS = 32


class JSONParser(parsers.JSONParser):
    """Raises ValidationError by field for texts that are none, ParseError for bodies nested too deep."""

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> Any:
        try:
            # As DRF's own, but for names that stand twice.
            text = codecs.getreader("utf-8")(stream)
            data = json.load(text, parse_constant=strict_constant, object_pairs_hook=_object)
        except RecursionError:
            raise _too_deep() from None
        except ValueError as error:
            raise _no_json(error) from None
        require_texts(data)
        return data


class MultiPartParser(parsers.MultiPartParser):
    """The same of a form's names and values; files are read by whoever wants them."""

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> Any:
        parsed = super().parse(stream, media_type, parser_context)
        require_texts(dict(parsed.data.lists()))
        return parsed


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Raises ValidationError for a name that stands twice: one of its values would be dropped in silence."""
    found = dict(pairs)
    if len(found) < len(pairs):
        name = next(name for name, count in Counter(name for name, _value in pairs).items() if count > 1)
        sentence = _("%(name)s stands twice in one object. Send it once.") % {"name": without_halves(name)}
        raise exceptions.ValidationError({without_halves(name) or WHOLE: [ErrorDetail(sentence, "repeated")]})
    return found


def require_texts(data: Any) -> None:
    """Raises ValidationError, by field, where a name or a text holds what no text does."""
    found = islice(_not_texts(data, "", 0), MOST_NAMES)
    named = {without_halves(path) or WHOLE: text for path, text in found}
    errors = {name: [ErrorDetail(no_text(name, text), "no_text")] for name, text in named.items()}
    if errors:
        raise exceptions.ValidationError(errors)


def _not_texts(value: Any, path: str, level: int) -> Iterator[tuple[str, str]]:
    """Pairs of path and text, as `recipients[3].first_name`."""
    if level > MOST_LEVELS:
        raise _too_deep()
    if isinstance(value, str):
        if no_text_in(value):
            yield path, value
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            step = f"{path}.{name}" if path else name
            if no_text_in(name):
                yield step, name
            yield from _not_texts(inner, step, level + 1)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _not_texts(inner, f"{path}[{index}]", level + 1)


def _no_json(error: BaseException | None) -> exceptions.ParseError:
    """Where it ends to be JSON, without the words of Python's reader."""
    if isinstance(error, json.JSONDecodeError):
        sentence = _(
            "The body is not JSON from line %(line)d, column %(column)d on. Send an object such as {}."
        )
        return exceptions.ParseError(sentence % {"line": error.lineno, "column": error.colno})
    return exceptions.ParseError(
        _(
            "The body is not JSON in UTF-8, or holds a number that JSON has not (NaN, Infinity, thousands of digits)."
            " Send an object such as {}, uncompressed."
        )
    )


def _too_deep() -> exceptions.ParseError:
    sentence = _(
        "The body is nested more than %(most)d levels deep, and nothing here reads that. Send it as the OpenAPI"
        " document at /api/v1/schema/ shows."
    )
    return exceptions.ParseError(sentence % {"most": MOST_LEVELS})
