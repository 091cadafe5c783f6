"""Which stop words a workspace understands besides English ones: languages, and words of its own."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.utils.text import capfirst
from django.utils.translation import get_language_info
from django.utils.translation import gettext as _

from sms.opt_out import (
    DEFAULT_LANGUAGES,
    MAX_OWN_LETTERS,
    MAX_OWN_WORDS,
    WORDS,
    OwnWordProblem,
    own_word_problem,
)

MAX_WORDS = 50


def language_choices() -> list[tuple[str, str]]:
    """Those that can be added, by name. English words always count."""
    added = [code for code in WORDS if code not in DEFAULT_LANGUAGES]
    return sorted(
        ((code, capfirst(get_language_info(code)["name_translated"])) for code in added),
        key=lambda pair: pair[1],
    )


def validate_languages(codes: Any) -> None:
    if not _is_texts(codes):
        raise ValidationError(_("The languages are no list of codes. Send a list, such as [“de”, “fr”]."))
    unknown = next((code for code in codes if code not in WORDS), None)
    if unknown is not None:
        raise ValidationError(
            _("There are no stop words for the language “%(code)s”. Choose among %(known)s.")
            % {"code": unknown[:20], "known": ", ".join(code for code, _name in language_choices())}
        )


def validate_words(words: Any) -> None:
    if not _is_texts(words):
        raise ValidationError(_("The stop words are no list of texts. Send a list, such as [“HALT”]."))
    if len(words) > MAX_WORDS:
        raise ValidationError(
            _("%(count)d stop words are too many. Keep at most %(most)d.")
            % {"count": len(words), "most": MAX_WORDS}
        )
    for word in words:
        if problem := own_word_problem(word):
            raise ValidationError(_sentence(problem, word))


def _is_texts(values: Any) -> bool:
    return isinstance(values, list) and all(isinstance(value, str) for value in values)


def _sentence(problem: OwnWordProblem, word: str) -> str:
    values = {"word": word if len(word) <= 40 else f"{word[:39]}…"}
    match problem:
        case "empty":
            return _("“%(word)s” holds no letter or digit. Take it out, or write a word.") % values
        case "too_long":
            return _(
                "“%(word)s” is too long for a stop word, which is a person’s whole text. "
                "Use at most %(words)d words with %(letters)d characters together."
            ) % (values | {"words": MAX_OWN_WORDS, "letters": MAX_OWN_LETTERS})
        case "start":
            return _("“%(word)s” already asks to be texted again. Choose another stop word.") % values
        case "help":
            return _("“%(word)s” already asks for help. Choose another stop word.") % values
