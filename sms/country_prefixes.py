"""Which beginnings of numbers are a country's own, and which country a name stands for, in any language."""

from __future__ import annotations

import importlib.util
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import phonenumbers

# Digits, classes of digits, and a choice among such.
_PLAIN = re.compile(r"(?:\d|\[[\d-]+\])+(?:\|(?:\d|\[[\d-]+\])+)*")
_DIGIT = re.compile(r"\d|\[([\d-]+)\]")
_NAMED_SO_TOO = {
    "uk": "GB", "greatbritain": "GB", "england": "GB", "usa": "US", "america": "US", "unitedstatesofamerica": "US",
    "vereinigtestaaten": "US", "etatsunisdamerique": "US",
    "russianfederation": "RU", "korea": "KR", "southkorea": "KR", "republicofkorea": "KR", "uae": "AE",
    "czechrepublic": "CZ", "holland": "NL", "thenetherlands": "NL", "vietnam": "VN", "turkey": "TR",
    "ivorycoast": "CI", "macedonia": "MK",
}  # fmt: skip


def prefixes_of(country: str) -> tuple[str, ...]:
    """Without plus, for ISO 3166 letters: ("49",), ("1242",), ("77",).

    The main country of a calling code has the code itself: the longer prefixes of the others win over it. () for one that
    cannot be told from its neighbours (Canada), or does not exist.
    """
    code = phonenumbers.country_code_for_region(country)
    if not code:
        return ()
    sharing = phonenumbers.COUNTRY_CODE_TO_REGION_CODE[code]
    if sharing[0] == country:
        return (str(code),)
    metadata = phonenumbers.PhoneMetadata.metadata_for_region(country, None)
    leading = metadata.leading_digits if metadata else None
    if not leading or not _PLAIN.fullmatch(leading):
        return ()
    return tuple(f"{code}{digits}" for choice in leading.split("|") for digits in _written_out(choice))


def _written_out(choice: str) -> Iterator[str]:
    """`8[024]9`: 809, 829, 849."""
    places = [_digits(found[1] or found[0]) for found in _DIGIT.finditer(choice)]
    return map("".join, product(*places))


def _digits(written: str) -> str:
    """`13-5`: 1345."""
    return re.sub(r"(\d)-(\d)", lambda run: "".join(map(str, range(int(run[1]), int(run[2]) + 1))), written)


def country_named(words: str) -> str:
    """ISO 3166 letters for letters or a name in any language; "" for none, a name of several, and a single letter."""
    letters = words.strip().upper()
    if sum(map(str.isalnum, words)) < 2:
        return ""
    if len(letters) == 2 and letters.isascii() and phonenumbers.country_code_for_region(letters):
        return letters
    return _by_name().get(_form(words), "")


@cache
def _by_name() -> Mapping[str, str]:
    named: dict[str, set[str]] = defaultdict(set)
    for country, names in _names().items():
        if phonenumbers.country_code_for_region(country):
            for name in names.values():
                if not name.startswith("*"):  # the name in another language stands for it
                    named[_form(name)].add(country)
    found = {name: next(iter(countries)) for name, countries in named.items() if len(countries) == 1}
    return found | _NAMED_SO_TOO


def _names() -> Mapping[str, Mapping[str, str]]:
    """{country: {language: name}}: one file of the package `phonenumbers.geodata`, which takes half a second and 60 MB
    when it is imported as a whole."""
    path = Path(phonenumbers.__file__).parent / "geodata" / "locale.py"
    spec = importlib.util.spec_from_file_location("phonenumbers.geodata.locale", path)
    if spec is None or spec.loader is None:
        return {}
    module: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    data: Mapping[str, Mapping[str, str]] = module.LOCALE_DATA
    return data


def _form(name: str) -> str:
    """Without case, accents, spaces and signs."""
    plain = unicodedata.normalize("NFKD", name.casefold().replace("&", "and"))
    return "".join(char for char in plain if char.isalnum())
