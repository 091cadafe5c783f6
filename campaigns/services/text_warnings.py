"""What is wrong with the writing of a text, and yet no reason to refuse it: of a broadcast, and of a single text by API."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import Workspace
from campaigns.services.check import WARN, Check
from messaging.texts.braces import Stray, stray_braces
from messaging.texts.characters import OddKind, unseen_characters
from messaging.texts.glued import Glue, Glued, glued_links
from messaging.texts.menu import columns_of
from messaging.tokens import ALL_TOKENS

TOKEN_NAMES = frozenset(info.name for info in ALL_TOKENS)
# Of characters, in one sentence.
KINDS_SHOWN = 5
# Of what stands beside a link.
CHARACTERS_SHOWN = 20


def text_warnings(workspace: Workspace, text: str) -> list[Check]:
    return [*spelling_warnings(workspace, text), *unseen_warnings(workspace, text)]


def spelling_warnings(workspace: Workspace, text: str) -> Iterator[Check]:
    if stray := stray_braces(text, TOKEN_NAMES | columns_of(workspace)):
        yield Check("stray_braces", WARN, _stray_words(stray), "message")
    found = glued_links(text, swaps=workspace.swaps_characters)
    for glue, code in GLUE_CODES.items():
        if glued := [one for one in found if one.glue == glue]:
            yield Check(code, WARN, _glued_words(glued), "message")


def unseen_warnings(workspace: Workspace, text: str) -> Iterator[Check]:
    if unseen := unseen_characters(text, swaps=workspace.swaps_characters):
        sentence = _(
            "Characters that cannot be seen are kept and counted: %(kinds)s. Take out what slipped in."
        ) % {"kinds": listed_kinds(unseen, _placed)}
        yield Check("unseen_characters", WARN, sentence, "message")


GLUE_CODES = {
    Glue.BEHIND: "glued_link",
    Glue.SCHEME: "link_with_scheme",
    Glue.BEFORE: "glued_before_link",
}


def _glued_words(glued: list[Glued]) -> str:
    first = glued[0]
    facts = {
        "link": first.link,
        "line": first.line,
        "column": first.column,
        "beside": first.beside[:CHARACTERS_SHOWN],
    }
    sentence = _glued_sentence(first) % facts
    if more := len(glued) - 1:
        sentence += " " + ngettext("%(n)s more like it.", "%(n)s more like it.", more) % {"n": f"{more:,}"}
    return sentence


def _glued_sentence(one: Glued) -> str:
    match one.glue, bool(one.beside):
        case Glue.BEHIND, True:
            return _(
                "“%(beside)s” stands right behind %(link)s at line %(line)s, column %(column)s and would be taken for a part"
                " of its address, which then leads nowhere. Put a blank or a line end between them."
            )
        case Glue.BEHIND, False:
            return _(
                "A token stands right behind %(link)s at line %(line)s, column %(column)s, and what it becomes would be"
                " taken for a part of the address, which then leads nowhere. Put a blank or a line end between them."
            )
        case Glue.SCHEME, _any:
            return _(
                "“%(beside)s” stands right before %(link)s at line %(line)s, column %(column)s, which brings its own https://:"
                " the address would lead nowhere. Take “%(beside)s” out."
            )
        case _before, True:
            return _(
                "“%(beside)s” stands right before %(link)s at line %(line)s, column %(column)s: many phones then make no"
                " link of it. Put a blank or a line end between them."
            )
    return _(
        "A token stands right before %(link)s at line %(line)s, column %(column)s: with letters there, many phones make no"
        " link of it. Put a blank or a line end between them."
    )


def _stray_words(stray: list[Stray]) -> str:
    first = stray[0]
    place = {"written": first.written[:60], "meant": first.meant, "line": first.line, "column": first.column}
    sentence = (
        _(
            "“%(written)s” at line %(line)s, column %(column)s goes out as it stands. Write %(meant)s for the token."
        )
        if first.meant
        else _(
            "“%(written)s” at line %(line)s, column %(column)s is no part of a token and goes out as it stands. Write a"
            " token as {{first_name}}."
        )
    ) % place
    more = len(stray) - 1
    if more:
        sentence += " " + ngettext("%(n)s more like it.", "%(n)s more like it.", more) % {"n": f"{more:,}"}
    return sentence


def listed_kinds(kinds: list[OddKind], words: Callable[[OddKind], str]) -> str:
    shown = [words(kind) for kind in kinds[:KINDS_SHOWN]]
    if len(kinds) > KINDS_SHOWN:
        shown.append(_("%(n)s more") % {"n": f"{len(kinds) - KINDS_SHOWN:,}"})
    return ", ".join(shown)


def _placed(kind: OddKind) -> str:
    place = {"name": kind.name, "line": kind.line, "column": kind.column, "count": f"{kind.count:,}"}
    if kind.count == 1:
        return _("%(name)s at line %(line)s, column %(column)s") % place
    return _("%(name)s %(count)s times, first at line %(line)s, column %(column)s") % place
