"""The words of a spinner, one a line: `Hello * 3` comes three times as often as `Hi`.

A spreadsheet's two columns can be pasted too: a tab between word and weight.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from messaging.errors import MessagingError
from sms.parts import character_name
from sms.unseen import is_unseen, without_spelling

MOST_WORDS = 200
# A plain text of one part.
MOST_CHARACTERS = 160
MOST_WEIGHT = 1000
# In one answer.
MOST_SENTENCES = 10

Weighted = tuple[str, int]
_LINES = re.compile(r"\r\n|\r|\n")
_WEIGHTED = re.compile(r"(?P<word>.*?)(?:\s+\*|\t)[ \t]*(?P<weight>[-+]?[0-9][0-9.,]*)", re.ASCII)
_WHOLE = re.compile(r"[+-]?[0-9]{1,9}", re.ASCII)


class WordsError(MessagingError):
    """`sentences`: one for each word that is wrong, the first ones of many."""

    def __init__(self, sentences: Sequence[str]) -> None:
        self.sentences = list(sentences[:MOST_SENTENCES])
        super().__init__(" ".join(self.sentences), field="words")


@dataclass(frozen=True, slots=True)
class CleanWords:
    """`merged`: words that stood several times; their weights are added."""

    words: list[Weighted]
    merged: list[str]


def lines_of(words: Iterable[Sequence[Any]]) -> str:
    """As `read_lines` reads it back."""
    return "\n".join(_line(word, weight) for word, weight in words)


def _line(word: str, weight: int) -> str:
    return word if weight == 1 and not _WEIGHTED.fullmatch(word) else f"{word} * {weight}"


def read_lines(text: str) -> list[tuple[str, Any]]:
    """A word and its weight for each line that holds something. What is no whole number stays as it was written."""
    return [_read(line.strip()) for line in _LINES.split(text) if line.strip()]


def _read(line: str) -> tuple[str, Any]:
    found = _WEIGHTED.fullmatch(line)
    if not found:
        return line, 1
    weight = found["weight"]
    return found["word"].strip(), int(weight) if _WHOLE.fullmatch(weight) else weight


def clean_words(given: Sequence[tuple[str, Any]]) -> CleanWords:
    """Raises WordsError."""
    if len(given) > MOST_WORDS:
        sentence = _("These are %(count)d words; at most %(most)d fit. Take some out.")
        raise WordsError([sentence % {"count": len(given), "most": MOST_WORDS}])
    weights: dict[str, int] = {}
    merged: dict[str, None] = {}
    sentences = []
    for place, (raw, weight) in enumerate(given, start=1):
        word = raw.strip()
        if problem := _problem(word, weight):
            sentences.append(_("Word %(place)d: %(problem)s") % {"place": place, "problem": problem})
            continue
        if word in weights:
            merged[word] = None
        weights[word] = weights.get(word, 0) + weight
    sentences += [_too_heavy(word, weights[word]) for word in merged if weights[word] > MOST_WEIGHT]
    if not weights and not sentences:
        sentences = [_("A word spinner needs one word at least. Write each on a line of its own.")]
    if sentences:
        raise WordsError(sentences)
    return CleanWords(list(weights.items()), list(merged))


def _problem(word: str, weight: Any) -> str:
    """Why it cannot be one; "" for a good one."""
    if not word:
        return _("it is empty. Write something, or take the line out.")
    shown = word if len(word) <= 30 else word[:29] + "…"
    if len(word) > MOST_CHARACTERS:
        sentence = _("“%(word)s” has %(count)d characters; at most %(most)d fit. Shorten it.")
        return sentence % {"word": shown, "count": len(word), "most": MOST_CHARACTERS}
    if "{{" in word or "}}" in word:
        sentence = _(
            "“%(word)s” holds doubled braces. A word goes out as it stands, no token in it is filled in: write the"
            " token in the text, beside the spinner."
        )
        return sentence % {"word": shown}
    if all(char.isspace() or is_unseen(char) for char in without_spelling(word)):
        sentence = _("nothing of it can be seen: it holds %(char)s. Write a word, or take the line out.")
        return sentence % {"char": character_name(word[0])}
    if bad := next((char for char in word if unicodedata.category(char) in _NO_TEXT and char != "\t"), ""):
        sentence = _("“%(word)s” holds the control character U+%(code)s. Take it out.")
        return sentence % {"word": shown.replace(bad, "�"), "code": f"{ord(bad):04X}"}
    if not isinstance(weight, int) or isinstance(weight, bool) or not 1 <= weight <= MOST_WEIGHT:
        sentence = _("“%(word)s” has the weight %(weight)s. Use a whole number from 1 to %(most)d.")
        return sentence % {"word": shown, "weight": str(weight)[:20], "most": MOST_WEIGHT}
    return ""


# Control characters, line ends among them, and halves of characters.
_NO_TEXT = frozenset({"Cc", "Cs"})


def _too_heavy(word: str, weight: int) -> str:
    sentence = _(
        "“%(word)s” stands several times, and its weights add up to %(weight)d. At most %(most)d is allowed: write it"
        " once."
    )
    return sentence % {"word": word, "weight": weight, "most": MOST_WEIGHT}
