"""Message tokens: `{{first_name}}`, `{{link:ID}}` and the others that document 004 names in its estimate.

Read once for a segment, rendered once for a recipient. A token whose value is missing is empty; what is none of
the known tokens, or stands in single braces, is text.
"""

import re
import secrets
import string
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from providers.sandbox.messagewhiz.envelope import Failure
from providers.sandbox.messagewhiz.records import Account, Link, LinkList, Spinner, Values

# In the order of `messageExpanded.actions`.
TOKENS = (
    "callback",
    "first_name",
    "last_name",
    "url",
    "random_symbol",
    "verification_code",
    "custom",
    "custom1",
    "custom2",
    "custom3",
    "custom4",
    "gender",
    "word_spinner",
    "link",
    "link_list",
    "unsubscription_link",
    "shorten_url",
    "callback_link",
)
WITH_ID = ("word_spinner", "link", "link_list")
# `email` is a column of a list, though the estimate does not name it.
VALUES = (
    "first_name",
    "last_name",
    "url",
    "email",
    "custom",
    "custom1",
    "custom2",
    "custom3",
    "custom4",
    "gender",
)

_token = re.compile(r"\{\{([a-z_]+[1-4]?)(?::([0-9]{1,15}))?\}\}")
_random = secrets.SystemRandom()


class Shortener(Protocol):
    """Makes the short URL of one recipient's link: where it leads, and of which link or list it is."""

    def __call__(
        self,
        target: str,
        link: Link | None = None,
        link_list: LinkList | None = None,
        *,
        calls_back: bool = False,
    ) -> str: ...


@dataclass(slots=True)
class Rendering:
    """Whom a text is rendered for. `turns` counts by link list, so that its links are spread evenly."""

    values: Values
    shorten: Shortener
    unsubscription_link: Callable[[], str]
    turns: Counter[int] = field(default_factory=Counter)
    code: str = ""


Piece = str | Callable[[Rendering], str]


@dataclass(slots=True)
class Found:
    """A token of a text. `parameter`: the id after its colon."""

    name: str
    parameter: int | None
    render: Callable[[Rendering], str]


class Body:
    """A text whose tokens were found in the account; raises Failure 404 for an id that it has not."""

    def __init__(self, text: str, account: Account | None) -> None:
        self.text = text
        self.found: list[Found] = []
        self.pieces: list[Piece] = []
        if account is None or "{{" not in text:
            self.pieces.append(text)
            return
        end = 0
        for match in _token.finditer(text):
            name, parameter = match[1], match[2]
            if (name in WITH_ID) != (parameter is not None) or name not in (*TOKENS, *VALUES):
                continue
            found = Found(
                name, int(parameter) if parameter else None, _piece(name, int(parameter or 0), account)
            )
            self.pieces += [text[end : match.start()], found.render]
            self.found.append(found)
            end = match.end()
        self.pieces.append(text[end:])

    @property
    def is_same_for_all(self) -> bool:
        return not self.found

    def has(self, name: str) -> bool:
        return any(found.name == name for found in self.found)

    def render(self, rendering: Rendering) -> str:
        return "".join(piece if isinstance(piece, str) else piece(rendering) for piece in self.pieces)


def _piece(name: str, parameter: int, account: Account) -> Callable[[Rendering], str]:
    match name:
        case "word_spinner":
            return _spinning(account.spinners.active(parameter))
        case "link":
            return _linking(account.links.active(parameter))
        case "link_list":
            return _spreading(account.link_lists.active(parameter))
        case "random_symbol":
            return lambda _: _random.choice(string.ascii_lowercase)
        case "verification_code":
            return lambda rendering: rendering.code
        case "unsubscription_link":
            return lambda rendering: rendering.unsubscription_link()
        case "shorten_url":
            return _shorten_url
        case "callback" | "callback_link":
            return lambda rendering: rendering.shorten(rendering.values.get("url", ""), calls_back=True)
    return lambda rendering: rendering.values.get(name, "")


def _spinning(spinner: Spinner) -> Callable[[Rendering], str]:
    return lambda _: _random.choice(spinner.words)


def _linking(link: Link) -> Callable[[Rendering], str]:
    return lambda rendering: rendering.shorten(link.url, link)


def _spreading(link_list: LinkList) -> Callable[[Rendering], str]:
    if not any(link.enabled for link in link_list.links.values()):
        raise Failure(400, f"link list {link_list.id} has no links")

    def next_link(rendering: Rendering) -> str:
        links = [link for link in link_list.links.values() if link.enabled]
        if not links:
            return ""
        link = links[rendering.turns[link_list.id] % len(links)]
        rendering.turns[link_list.id] += 1
        return rendering.shorten(link.url, link, link_list)

    return next_link


def _shorten_url(rendering: Rendering) -> str:
    url = rendering.values.get("url", "")
    return rendering.shorten(url) if url else ""


def pick(things: list[str]) -> str:
    return _random.choice(things)
