"""What an inbound text asks for: the opt-out words of PRODUCT.md, per language.

A word counts when it is the whole text: trimmed, in any case, with or without accents, with any punctuation
after it and opening marks before it ("¡Baja!"). A stop word of any language inside a longer text ("we must stop
this") is MAYBE_STOP: a person decides on the review list.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType
from typing import Literal, NamedTuple


class Keyword(StrEnum):
    STOP = "stop"
    START = "start"
    HELP = "help"
    MAYBE_STOP = "maybe_stop"
    NONE = "none"


class LanguageWords(NamedTuple):
    stop: tuple[str, ...]
    start: tuple[str, ...] = ()
    help: tuple[str, ...] = ()


DEFAULT_LANGUAGES = ("en",)
# By ISO 639 code. STOP is understood everywhere: the default languages' words always count.
WORDS: Mapping[str, LanguageWords] = MappingProxyType(
    {
        "en": LanguageWords(
            (
                "STOP",
                "STOPALL",
                "STOP ALL",
                "END",
                "CANCEL",
                "UNSUBSCRIBE",
                "QUIT",
                "REVOKE",
                "OPTOUT",
                "OPT-OUT",
                "OPT OUT",
                "REMOVE",
            ),
            ("START", "YES", "UNSTOP"),
            ("HELP", "INFO"),
        ),
        "fr": LanguageWords(("STOP", "ARRÊT", "DÉSABONNER", "DÉSINSCRIRE", "DÉSINSCRIPTION"), (), ("AIDE",)),
        "es": LanguageWords(("BAJA", "ALTO", "CANCELAR", "PARAR", "DETENER"), ("ALTA",), ("AYUDA",)),
        "de": LanguageWords(("STOPP", "ABMELDEN", "ABBESTELLEN"), ("ANMELDEN",), ("HILFE",)),
        "pt": LanguageWords(("PARAR", "PARE", "SAIR", "CANCELAR", "REMOVER"), (), ("AJUDA",)),
        "it": LanguageWords(("ANNULLA", "CANCELLA", "CANCELLAMI", "DISISCRIVIMI"), (), ("AIUTO",)),
        "he": LanguageWords(
            ("הסר", "הסרה", "להסרה", "הסירו", "הסירו אותי", "הסר אותי", "עצור"), (), ("עזרה",)
        ),
        "uk": LanguageWords(("СТОП", "ВІДПИСАТИСЯ", "ВІДПИСАТИСЬ", "ВІДПИСКА"), (), ("ДОПОМОГА",)),
        "pl": LanguageWords(("WYPISZ", "WYPISZ MNIE", "REZYGNUJĘ", "ANULUJ"), (), ("POMOC",)),
        "nl": LanguageWords(("STOPPEN", "AFMELDEN", "UITSCHRIJVEN"), ("AANMELDEN",), ("HULP",)),
    }
)


def classify(text: str, extra_words: Collection[str] = (), *, languages: Collection[str] = ()) -> Keyword:
    """`extra_words`: the workspace's own stop words; `languages`: further keys of WORDS (KeyError).

    A stop word of a language that the workspace does not have set goes to the review list, alone or in a longer text.
    """
    book = _book(tuple(extra_words), tuple(languages))
    words = _normalised(text)
    if words in book.stop:
        return Keyword.STOP
    if words in book.start:
        return Keyword.START
    if words in book.help:
        return Keyword.HELP
    return Keyword.MAYBE_STOP if book.inside.search(words) else Keyword.NONE


# Stop words with no other use in a marketing text; the rest counts as an instruction only in capitals.
_PLAIN_SPOKEN = (
    "UNSUBSCRIBE",
    "OPTOUT",
    "OPT-OUT",
    "OPT OUT",
    "DÉSABONNER",
    "DÉSINSCRIRE",
    "DÉSINSCRIPTION",
    "ABMELDEN",
    "ABBESTELLEN",
    "CANCELLAMI",
    "DISISCRIVIMI",
    "ВІДПИСАТИСЯ",
    "ВІДПИСАТИСЬ",
    "ВІДПИСКА",
    "WYPISZ",
    "AFMELDEN",
    "UITSCHRIJVEN",
)
_LINK_AS_WRITTEN = re.compile(r"\{\{\s*unsubscription_link\s*\}\}")


def has_opt_out_wording(text: str, extra_words: Collection[str] = ()) -> bool:
    """Whether an outgoing text says how to opt out: a stop word as people are told it, or the link's token.

    "Reply STOP to opt out" and "Antworte STOPP" do; "Stop by our shop today" does not. `extra_words`: the workspace's.
    """
    if _LINK_AS_WRITTEN.search(text):
        return True
    capitals, plain = _wording(tuple(extra_words))
    return bool(capitals.search(_unaccented(text)) or plain.search(_normalised(text)))


@lru_cache(maxsize=256)
def _wording(extra_words: tuple[str, ...]) -> tuple[re.Pattern[str], re.Pattern[str]]:
    words = {_unaccented(word) for language in WORDS.values() for word in language.stop}
    words |= {_unaccented(_normalised(word).upper()) for word in extra_words}
    return _alone(words), _alone(_all_normalised(_PLAIN_SPOKEN))


# What a company's own stop word may be: people type it on a phone, and it is the whole text.
MAX_OWN_LETTERS = 30
MAX_OWN_WORDS = 3

OwnWordProblem = Literal["empty", "too_long", "start", "help"]


def own_word_problem(word: str) -> OwnWordProblem | None:
    """Why a workspace cannot have `word` among its own stop words; "start", "help": it means that in some language."""
    plain = _normalised(word)
    if not plain:
        return "empty"
    if len(plain) > MAX_OWN_LETTERS or len(plain.split()) > MAX_OWN_WORDS:
        return "too_long"
    if plain in _all_normalised(word for words in WORDS.values() for word in words.start):
        return "start"
    if plain in _all_normalised(word for words in WORDS.values() for word in words.help):
        return "help"
    return None


class _Book(NamedTuple):
    """Normalised words; `inside` finds a stop word of any language standing alone in a text ("nonstop" has none)."""

    stop: frozenset[str]
    start: frozenset[str]
    help: frozenset[str]
    inside: re.Pattern[str]


@lru_cache(maxsize=256)
def _book(extra_words: tuple[str, ...], languages: tuple[str, ...]) -> _Book:
    chosen = [WORDS[language] for language in dict.fromkeys((*DEFAULT_LANGUAGES, *languages))]
    stop = _all_normalised([*extra_words, *(word for words in chosen for word in words.stop)])
    of_all = _all_normalised(word for words in WORDS.values() for word in words.stop)
    return _Book(
        stop,
        _all_normalised(word for words in chosen for word in words.start) - stop,
        _all_normalised(word for words in chosen for word in words.help) - stop,
        _alone(stop | of_all),
    )


def _alone(words: Collection[str]) -> re.Pattern[str]:
    """Finds one of the words where no letter, digit or hyphen touches it."""
    longest_first = sorted(words, key=len, reverse=True)
    found = "|".join(re.escape(word) for word in longest_first) or "(?!)"
    return re.compile(rf"(?<![\w-])(?:{found})(?![\w-])")


def _all_normalised(words: Iterable[str]) -> frozenset[str]:
    return frozenset(filter(None, map(_normalised, words)))


# Brackets and quotation marks, of which some languages open with those that others close with; and the rest.
_OPENS = ("Ps", "Pi", "Pf")
_OPENING = "¡¿\"'"


def _normalised(text: str) -> str:
    """Casefolded and _unaccented, with single spaces, no punctuation at the end and no opening marks in front."""
    words = " ".join(_unaccented(unicodedata.normalize("NFKC", text).casefold()).split())
    while words and (words[-1].isspace() or unicodedata.category(words[-1])[0] == "P"):
        words = words[:-1]
    while words and (words[0].isspace() or words[0] in _OPENING or unicodedata.category(words[0]) in _OPENS):
        words = words[1:]
    return words


def _unaccented(text: str) -> str:
    """Compatibility forms (NFKD) without accents and invisible marks."""
    if text.isascii():
        return text
    apart = unicodedata.normalize("NFKD", text)
    return "".join(char for char in apart if unicodedata.category(char) not in ("Mn", "Cf"))
