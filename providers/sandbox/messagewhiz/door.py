"""The vendor's door: which operation a path is, whose key it is, and what its staff sets up."""

import re
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

from providers.sandbox.callbacks import Callbacks
from providers.sandbox.dials import Dial, DialError
from providers.sandbox.later import Later
from providers.sandbox.messagewhiz import (
    broadcasts,
    campaigns,
    estimate,
    links,
    onetime,
    recipients,
    reports,
    senders,
    texts,
    triggers,
    unsubscribers,
)
from providers.sandbox.messagewhiz.envelope import Failure, failure, success
from providers.sandbox.messagewhiz.records import LEAST_TIMEOUT, LONGEST_TIMEOUT, Account, Link, LinkList
from providers.sandbox.messagewhiz.request import Handler, Request, base_url
from providers.sandbox.messagewhiz.running import SLUG, Runner
from providers.sandbox.messagewhiz.shortlinks import LINK, UNSUBSCRIPTION, Maker
from providers.sandbox.messagewhiz.sms import API_KEY, DISABLED_ENDING, FastSingle, is_key
from providers.sandbox.messagewhiz.triggers import TRIGGER, open_trigger
from providers.sandbox.state import Entry, State
from providers.sandbox.wire import BODY_CAP, LARGE_BODY_CAP, Answer, Call, is_url, json_answer

MOST_ACCOUNTS = 1000
STEP_CAP = 15  # digits

# By method and path in lower case, `{}` standing for digits.
ROUTES: dict[tuple[str, str], Handler] = {
    (method, f"api/3/{path}"): handler
    for module in (
        campaigns,
        recipients,
        senders,
        unsubscribers,
        links,
        texts,
        triggers,
        broadcasts,
        estimate,
        reports,
    )
    for (method, path), handler in module.ROUTES.items()
} | {(method, f"api/{path}"): handler for (method, path), handler in onetime.ROUTES.items()}

_link_token = re.compile(r"\{\{(link|link_list):([0-9]{1,15})\}\}")


class MessageWhiz:
    slug = SLUG
    label = "MessageWhiz"
    base = SLUG
    default_account = API_KEY

    def __init__(self, state: State, dial: Dial, callbacks: Callbacks, later: Later) -> None:
        self.dial = dial
        self.runner = Runner(state, dial, callbacks, later)
        self.fast = FastSingle(self.runner, self.render_links)
        self.accounts: dict[str, Account] = {}
        self.turns: Counter[int] = Counter()

    def body_cap(self, path: str) -> int:
        """Files of contacts come to `/api/3`."""
        return LARGE_BODY_CAP if path != "sms" and path[:4].lower() == "api/" else BODY_CAP

    def answer(self, call: Call) -> Answer:
        """Paths are compared in lower case: the document writes them both ways."""
        path = call.path.rstrip("/").lower()
        if path == "sms" and call.method == "POST":
            return self.fast.take_text(call)
        if path.startswith("sms/") and call.method == "GET":
            return self.fast.tell_status(call, call.path.rstrip("/").partition("/")[2])
        if path.startswith("api/"):
            return self.answer_api(call, path)
        kind, _, code = call.path.partition("/")
        if code and kind in (LINK, UNSUBSCRIPTION):
            return self.runner.short_links.open(kind, code, call)
        if code and kind == TRIGGER:
            return open_trigger(self.runner, code, call)
        return json_answer(
            404,
            {"statusCode": 404, "message": f"Cannot {call.method} /{call.path}", "error": "Not Found"},
        )

    def answer_api(self, call: Call, path: str) -> Answer:
        began = time.perf_counter()
        try:
            account = self.account_of(call.header(b"apikey"))
            shape, numbers = shape_of(path)
            handler = ROUTES.get((call.method, shape))
            if handler is None:
                raise Failure(404, f"cannot {call.method} /{call.path}")
            result = handler(Request(call, account, self.runner, numbers))
        except Failure as refused:
            return failure(refused, began)
        return result if isinstance(result, Answer) else success(result, began)

    def account_of(self, key: str) -> Account:
        """Made at its first use; raises Failure 401 for a bad key, 403 for a disabled one and beyond the bound."""
        if not is_key(key):
            raise Failure(401)
        if key.endswith(DISABLED_ENDING):
            raise Failure(403)
        account = self.accounts.get(key)
        if account is None:
            if len(self.accounts) >= MOST_ACCOUNTS:
                raise Failure(403, f"the sandbox has {MOST_ACCOUNTS} keys; reset it with its accounts")
            account = self.accounts[key] = self.new_account(key)
        return account

    def new_account(self, key: str) -> Account:
        return Account(key, self.runner.ids, self.runner.room, self.runner.later.now)

    def render_links(self, key: str, text: str, call: Call) -> tuple[str, Callable[[Entry], None]]:
        """A text of POST /sms with short URLs for its link tokens; an id that the key has not stays as it is."""
        account = self.accounts.get(key) or self.new_account(key)
        maker = Maker(self.runner.short_links, account, base_url(call))

        def short(match: re.Match[str]) -> str:
            link, link_list = self.link_of(account, match[1], int(match[2]))
            return maker(link.url, link, link_list) if link else match[0]

        return _link_token.sub(short, text), maker.belong_to

    def link_of(self, account: Account, name: str, row_id: int) -> tuple[Link | None, LinkList | None]:
        """The link of a token, the next one in turn of a list."""
        if name == "link":
            link = account.links.rows.get(row_id)
            return (link if link and link.enabled else None), None
        link_list = account.link_lists.rows.get(row_id)
        members = [link for link in link_list.links.values() if link.enabled] if link_list else []
        if link_list is None or not (link_list.enabled and members):
            return None, None
        self.turns[row_id] += 1
        return members[(self.turns[row_id] - 1) % len(members)], link_list

    def reset(self, *, accounts: bool) -> None:
        self.runner.reset()
        self.turns.clear()
        if accounts:
            self.accounts.clear()
            self.runner.triggers.clear()
        for account in self.accounts.values():
            account.broadcasts.clear()
            account.one_time_codes.clear()
        self.runner.room.used = sum(account.numbers_kept() for account in self.accounts.values())

    # Settings: the batched report is "enabled only after configurations by the technical team"

    def account_name(self, name: str) -> str:
        try:
            return self.account_of(name).key
        except Failure:
            raise DialError(
                f"account {name!r} is not an API key of the sandbox; one is {API_KEY} or begins with {API_KEY}-."
            ) from None

    def settings(self, name: str) -> dict[str, Any]:
        return asdict(self.accounts[name].reporting)

    def set(self, name: str, settings: dict[str, Any]) -> None:
        """`webhook` and `click_webhook`, addresses or nothing, `t1` and `t2`; all or none, raises DialError."""
        for key, value in settings.items():
            check_setting(key, value)
        account = self.accounts[name]
        account.reporting = replace(account.reporting, **settings)


def shape_of(path: str) -> tuple[str, tuple[str, ...]]:
    """A path with `{}` for its numbers, and those: a plus sign before a telephone number is left out."""
    version = "api/3/" if path.startswith("api/3/") else ""
    steps, numbers = [], []
    for step in path.removeprefix(version).split("/"):
        number = step.removeprefix("+")
        if number.isascii() and number.isdecimal() and len(number) <= STEP_CAP:
            steps.append("{}")
            numbers.append(number)
        else:
            steps.append(step)
    return version + "/".join(steps), tuple(numbers)


def check_setting(name: str, value: Any) -> None:
    match name:
        case "webhook" | "click_webhook":
            if value == "" or is_url(value):
                return
            raise DialError(
                f"{name} {value!r} is not an http or https address; give one, or nothing for none."
            )
        case "t1" | "t2":
            if (name == "t2" and value is None) or (
                type(value) is int and LEAST_TIMEOUT <= value <= LONGEST_TIMEOUT
            ):
                return
            raise DialError(
                f"{name} {value!r} is not a whole number of minutes from {LEAST_TIMEOUT} to {LONGEST_TIMEOUT}."
            )
    raise DialError(f"{name!r} is no setting of MessageWhiz; there are webhook, t1, t2 and click_webhook.")
