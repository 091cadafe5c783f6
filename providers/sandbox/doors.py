"""What a vendor's door is, and what more it may offer: the application and the control door ask nothing else.

A door is made with `(State, Dial, Callbacks, Later)` and listed in `app.DOORS`. The other protocols here are offers:
a door that has their methods is asked, one that has not is left alone. Whatever takes a name or settings raises
DialError.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from providers.sandbox.callbacks import Callbacks, Post
from providers.sandbox.dials import Dial
from providers.sandbox.later import Later
from providers.sandbox.state import Entry, State
from providers.sandbox.wire import Answer, Call


class Problem(Exception):
    """What the control door refuses: an HTTP status and a sentence that says what to mend."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


def refuse_unknown(given: Iterable[str], known: tuple[str, ...]) -> None:
    if unknown := sorted(set(given) - set(known)):
        raise Problem(
            400, f"{', '.join(map(repr, unknown))} is not known here; there are {', '.join(known)}."
        )


class Door(Protocol):
    """`slug` is the first step of its paths; `answer` takes what follows it as the call's path.

    `label` is the vendor's name, `base` the path of the base URL that its callers are given.
    """

    slug: str
    label: str
    base: str
    dial: Dial

    def answer(self, call: Call) -> Answer: ...


class DoorMaker(Protocol):
    """A class of doors."""

    slug: str
    label: str
    base: str

    def __call__(self, state: State, dial: Dial, callbacks: Callbacks, later: Later, /) -> Door: ...


@runtime_checkable
class Roomy(Protocol):
    """A door that takes larger bodies than `wire.BODY_CAP` at some paths."""

    def body_cap(self, path: str, /) -> int:
        """Bytes."""


@runtime_checkable
class Resettable(Protocol):
    """A door that remembers something of its own."""

    def reset(self, *, accounts: bool) -> None:
        """Forget the traffic, and with `accounts` what the accounts have set up as well."""


@runtime_checkable
class Settable(Protocol):
    """A door whose accounts have settings that no API makes: their owner does, or the vendor's staff."""

    default_account: str

    def account_name(self, name: str) -> str:
        """As entries hold it, of an account that is made at its first use."""

    def settings(self, name: str) -> dict[str, Any]: ...

    def set(self, name: str, settings: dict[str, Any]) -> None:
        """Change what is named, all or none."""


@runtime_checkable
class Spelled(Protocol):
    """A door that takes several spellings of one account's name."""

    def spelled(self, name: str) -> str:
        """As entries hold it; a name that is none stays as it is."""


@dataclass(slots=True)
class Reply:
    """What a person writes back; `latest` is the text that it answers, if there is one."""

    account: str
    msisdn: str
    number: str
    text: str
    media: tuple[str, ...]
    latest: Entry | None


@runtime_checkable
class Answerable(Protocol):
    """A door whose vendor documents inbound texts, so that a person may write back from a handset.

    `webhook_is_set_by` names the call that would make such a text heard.
    """

    webhook_is_set_by: str

    def new_reply(self, reply: Reply) -> Entry: ...

    def heard(self, entry: Entry, /) -> tuple[str, ...]:
        """The words of a reply in the order of their telling; whatever it changes at the vendor is changed."""

    def reply(self, entry: Entry, word: str, /) -> Post | None:
        """What the webhook gets for a word; None without one."""


@runtime_checkable
class Clickable(Protocol):
    """A door whose vendor tells of clicks on its own links."""

    webhook_is_set_by: str

    def landing_page(self, entry: Entry) -> str:
        """Where the link of a text leads; empty without one."""

    def new_click(self, entry: Entry) -> Entry: ...

    def click(self, entry: Entry, word: str, /) -> Post | None:
        """What the webhook gets; None without one. The word is always empty."""
