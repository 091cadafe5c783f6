"""Word spinners: one of their words at random, by weight, stands in each message."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.access import Actor
from accounts.audit import record
from accounts.models import Workspace
from messaging.content import compile_content, compile_contents, words_of_errors
from messaging.copies import make_copy
from messaging.errors import MessagingError
from messaging.models import WordSpinner
from messaging.texts.effect import DRAWS, PartsRange, draw_texts, parts_range
from messaging.texts.names import clean_name, is_other, name_of_copy, save_named
from messaging.texts.users import TextUser, users_of_token
from messaging.texts.words import clean_words
from messaging.tokens import WORD_SPINNER
from sms.parts import swap_smart

# Of a text to try the words in.
SAMPLE_MOST = 1_000


def create_spinner(
    *, workspace: Workspace, actor: Actor, name: str, words: Sequence[tuple[str, Any]]
) -> tuple[WordSpinner, list[str]]:
    """With the words that stood several times, whose weights were added. Raises MessagingError."""
    clean = clean_words(words)
    made = WordSpinner(workspace=workspace, name=clean_name(name), words=_kept(clean.words))
    save_named(made, lambda: record(workspace, actor, "created", made, words=len(clean.words)))
    return made, clean.merged


def change_spinner(
    *, spinner: WordSpinner, actor: Actor, name: str, words: Sequence[tuple[str, Any]], seen: str = ""
) -> list[str]:
    """Gives the words that stood several times. What was launched keeps the words it was launched with.

    `seen`: see messaging.edited.
    """
    clean = clean_words(words)
    name, kept = clean_name(name), _kept(clean.words)
    if is_other(spinner, name=name, words=kept):
        was = {"was": spinner.name} if spinner.name != name else {}
        spinner.name, spinner.words = name, kept
        details = {"words": len(kept), **was}
        save_named(
            spinner,
            lambda: record(spinner.workspace, actor, "changed", spinner, **details),
            seen=seen,
        )
    return clean.merged


def duplicate_spinner(*, spinner: WordSpinner, actor: Actor) -> WordSpinner:
    """The copy is enabled: it is made to be used."""
    workspace = spinner.workspace

    def make() -> WordSpinner:
        name = name_of_copy(WordSpinner.objects.filter(workspace=workspace), spinner.name)
        copy = WordSpinner(workspace=workspace, name=name, words=spinner.words)
        return save_named(copy, lambda: record(workspace, actor, "created", copy, copy_of=spinner.pk))

    return make_copy(workspace, make)


def set_spinner_enabled(*, spinner: WordSpinner, actor: Actor, enabled: bool) -> WordSpinner:
    """A disabled one is kept and no longer offered; texts that name it say so before they are sent."""
    with transaction.atomic():
        if WordSpinner.objects.filter(pk=spinner.pk, enabled=not enabled).update(enabled=enabled):
            record(spinner.workspace, actor, "enabled" if enabled else "disabled", spinner)
    spinner.enabled = enabled
    return spinner


def plain_words(words: Sequence[tuple[str, Any]]) -> list[tuple[str, Any]]:
    """Each with its typographic characters swapped for those of the plain SMS alphabet."""
    return [(swap_smart(word), weight) for word, weight in words]


def draws_of(spinner: WordSpinner, text: str, count: int = DRAWS) -> list[str]:
    """Texts as people would get them. Raises MessagingError for a text that cannot be read or lacks the spinner."""
    source = text or token_of(spinner)
    if len(source) > SAMPLE_MOST:
        sentence = _("The sample text has %(count)d characters; at most %(most)d fit. Shorten it.")
        raise MessagingError(sentence % {"count": len(source), "most": SAMPLE_MOST}, field="text")
    content = compile_content(spinner.workspace_id, source)
    if content.errors:
        raise MessagingError(words_of_errors(content), field="text")
    if str(spinner.pk) not in content.words:
        sentence = _(
            "The sample text does not name this spinner. Write %(token)s where its word should stand."
        )
        raise MessagingError(sentence % {"token": token_of(spinner)}, field="text")
    return draw_texts(content, count)


def token_of(spinner: WordSpinner) -> str:
    return f"{{{{{WORD_SPINNER}:{spinner.pk}}}}}"


@dataclass(frozen=True, slots=True)
class SpinnerUse:
    """`range`: its fewest and most parts; None where the text cannot be read, and `problem` says why."""

    user: TextUser
    range: PartsRange | None
    problem: str


def open_uses(spinner: WordSpinner) -> list[SpinnerUse]:
    """Texts that can still go out, with what the shortest and longest words make of them."""
    users = users_of_token(spinner.workspace_id, WORD_SPINNER, spinner.pk, is_open=True)
    contents = compile_contents(spinner.workspace_id, [user.text for user in users]) if users else []
    return [
        SpinnerUse(user, parts_range(content), content.errors[0].sentence if content.errors else "")
        for user, content in zip(users, contents, strict=True)
    ]


def sent_uses(spinner: WordSpinner) -> list[TextUser]:
    return users_of_token(spinner.workspace_id, WORD_SPINNER, spinner.pk, is_open=False)


def _kept(words: Sequence[tuple[str, int]]) -> list[list[Any]]:
    """As the column keeps them: JSON knows no tuples."""
    return [[word, weight] for word, weight in words]
