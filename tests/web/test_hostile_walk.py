"""Every page and endpoint, found by its address, is asked what no text and no number is: none of them breaks.

A new page is walked without being named here, with the forms that it shows.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from django.contrib import admin
from django.db import transaction
from django.forms import BaseForm
from django.test import Client, RequestFactory

from accounts.models import AuditEntry, Role, User, Workspace
from tests.people import api_client, client_of
from tests.web.walk import SeenForm, forms_of, make_world, patterns, read_names
from web.forms import TellsNoText

NUL = "a\x00b"
NO_NUMBERS = ["\u00b2", "9" * 20, "-1"]
BODIES = [r'{"name": "\u0000", "id": 1e400}', r'{"name": "\ud800"}', "[]", "{"]
# Chosen or ticked, not typed: refused with a page of its own, nothing is lost by it.
CHOSEN = ("kind", "role", "selected", "sender")
# Streams without end, and doors whose body is nobody's form.
NOT_WALKED = ("/static/", "/hooks/", "/metrics")


def addresses(below: str = "", but: tuple[str, ...] = ()) -> list[str]:
    found = [address for address, _pattern in patterns() if address.startswith(below)]
    return [address for address in dict.fromkeys(found) if not address.startswith((*NOT_WALKED, *but))]


@pytest.fixture
def owner(acme: Workspace, alice: User) -> Client:
    User.objects.filter(pk=alice.pk).update(is_staff=True, is_superuser=True)
    make_world(acme, alice)
    client = client_of(User.objects.get(pk=alice.pk))
    client.raise_request_exception = False
    return client


def senseless(turn: int) -> dict[str, str]:
    """Another value for each name; with the next turn the next one."""
    return {name: NO_NUMBERS[(at + turn) % len(NO_NUMBERS)] for at, name in enumerate(read_names())}


class Asking:
    """Requests whose changes are taken back; what broke is kept, to be told together."""

    def __init__(self, client: Client) -> None:
        self.client, self.broken, self.changed = client, list[str](), False
        self.session = {name: morsel.value for name, morsel in client.cookies.items()}

    def ask(self, method: str, address: str, data: Any = None, **options: Any) -> Any:
        for name, value in self.session.items():
            self.client.cookies[name] = value
        with transaction.atomic():
            before = AuditEntry.objects.count()
            response = getattr(self.client, method)(address, data, **options)
            self.changed = AuditEntry.objects.count() > before
            transaction.set_rollback(True)
        if response.status_code >= 500 and not _says_so(response):
            self.broken.append(f"{response.status_code} {method} {address[:150]} {str(data)[:150]}")
        return response


def _says_so(response: Any) -> bool:
    """A vendor, or the sandbox, that is out of reach is told as such."""
    return response.status_code in (502, 503)


PAGES = addresses(but=("/api/", "/admin/"))


def test_it_works() -> None:
    assert len(PAGES) > 150
    assert {"/lists/777/", "/links/777/qr.svg", "/senders/lists/777/remove/777/"} <= set(PAGES)
    assert {"page", "after", "tab", "q", "workspace"} <= set(read_names())


def test_no_page_breaks_by_its_address(owner: Client) -> None:
    asking = Asking(owner)
    for address in PAGES:
        for turn in range(2):
            asking.ask("get", f"{address}?{urlencode(senseless(turn))}")
        pairs = [(name, value) for name in read_names() for value in ("1", "2")]
        asking.ask("get", f"{address}?{urlencode(pairs)}")
    assert "\n".join(asking.broken) == ""


def test_no_page_takes_what_is_no_text_in_its_address(owner: Client) -> None:
    asking = Asking(owner)
    for address in PAGES:
        assert asking.ask("get", f"{address}?q=a%00b").status_code == 400, address
        asking.ask("get", address + "%00")
        asking.ask("get", address.replace("777", "9" * 25))
    assert "\n".join(asking.broken) == ""


def test_no_page_breaks_by_what_is_posted(owner: Client) -> None:
    asking = Asking(owner)
    for address in PAGES:
        asking.ask("post", address, dict.fromkeys(read_names(), NUL))
        asking.ask("post", address, senseless(0))
    assert "\n".join(asking.broken) == ""


def shown_forms(asking: Asking, pages: list[str]) -> Iterator[SeenForm]:
    """Each once, with the page's own values in it."""
    seen = set()
    for address in pages:
        response = asking.ask("get", address)
        if response.status_code != 200 or not response.headers.get("Content-Type", "").startswith(
            "text/html"
        ):
            continue
        for form in forms_of(address, response.content.decode()):
            key = (form.action, *sorted(form.typed))
            if key not in seen and form.action.startswith("/"):
                seen.add(key)
                yield form


def test_each_field_of_each_form_is_told_and_the_others_are_kept(owner: Client) -> None:
    asking, taken, lost = Asking(owner), list[str](), list[str]()
    for form in list(shown_forms(asking, PAGES)):
        for name in sorted(form.typed):
            sent = {**form.fields, name: [NUL]}
            response = asking.ask("post", form.action, sent)
            if asking.changed:
                taken.append(f"{response.status_code} {form.action} {name}")
            elif response.status_code == 400 and name not in CHOSEN:
                lost.append(f"{form.action} {name}")
    assert "\n".join(asking.broken) == ""
    assert "\n".join(taken) == ""
    assert "\n".join(lost) == ""


def test_no_form_breaks_by_numbers_that_no_row_has(owner: Client) -> None:
    asking = Asking(owner)
    for form in list(shown_forms(asking, PAGES)):
        asking.ask("post", form.action, {**form.fields, **{name: ["9" * 20] for name in form.typed}})
    assert "\n".join(asking.broken) == ""


def all_forms(base: type[BaseForm] = BaseForm) -> Iterator[type[BaseForm]]:
    for each in base.__subclasses__():
        yield each
        yield from all_forms(each)


OURS = ("accounts.", "campaigns.", "contacts.", "messaging.", "providers.", "web.")


def test_every_form_of_ours_tells() -> None:
    own = {each for each in all_forms() if each.__module__.startswith(OURS)}
    assert len(own) > 50
    assert [each for each in own if not issubclass(each, TellsNoText)] == []


def test_every_form_of_the_admin_tells(alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(is_staff=True, is_superuser=True)
    request = RequestFactory().get("/admin/")
    request.user = User.objects.get(pk=alice.pk)
    silent = [
        model.__name__
        for model, one in admin.site._registry.items()
        if type(one).__module__.startswith(OURS)
        and (one.has_change_permission(request) or one.has_add_permission(request))
        and not issubclass(one.form, TellsNoText)
    ]
    assert silent == []


def test_the_admin_does_not_break(owner: Client) -> None:
    asking = Asking(owner)
    for address in addresses("/admin/"):
        asking.ask("get", f"{address}?{urlencode({'q': chr(178), 'p': '1e3', 'e': '1', 'o': '9' * 20})}")
        assert asking.ask("get", f"{address}?q={quote(NUL)}").status_code == 400
    for form in list(shown_forms(asking, addresses("/admin/"))):
        for value in (NUL, "9" * 20):
            asking.ask("post", form.action, {**form.fields, **{name: [value] for name in form.typed}})
    assert "\n".join(asking.broken) == ""


def test_no_endpoint_breaks(owner: Client, acme: Workspace) -> None:
    client = api_client(Role.OWNER, acme)
    client.raise_request_exception = False
    asking = Asking(client)
    for address in addresses("/api/v1/", but=("/api/v1/schema",)):
        strange = urlencode(dict.fromkeys(("page_size", "cursor", "format"), "\u00b2"))
        asking.ask("get", f"{address}?{strange}")
        asking.ask("get", f"{address}?name=%00")
        for method in ("post", "patch", "delete"):
            for body in BODIES:
                asking.ask(method, address, body, content_type="application/json")
    assert "\n".join(asking.broken) == ""
