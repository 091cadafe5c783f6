"""For walks over all pages: every address of the resolver with a row behind its ids, and the forms that a page shows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.base import ContentFile
from django.db.models.signals import pre_save
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone

from accounts.access import Actor
from accounts.models import Invitation, Role, User, Workspace
from contacts.models import (
    Import,
    ListJob,
    OptOut,
    OptOutReview,
    Recipient,
    UnsubscribeList,
    UnsubscribeMember,
)
from messaging.links.links import create_link_list
from messaging.models import SenderChoice, Verification
from messaging.sender_lists import create_sender_list
from messaging.texts.spinners import create_spinner
from messaging.texts.templates import create_template
from messaging.webhooks.endpoints import create_endpoint, send_test
from providers.models import Rate, StoredWebhookCall
from providers.services.routes import create_route
from sms.examples import example_msisdns
from tests.campaigns.makers import make_draft
from tests.engine.makers import make_list
from tests.messaging.links.makers import make_link
from tests.messaging.media.makers import make_picture
from tests.people import api_client

ROW_ID = 777
NUMBER, OTHER_NUMBER = example_msisdns(2)
# What stands in an address, by the name of its part; whole numbers are ROW_ID.
PARTS = {
    "msisdn": NUMBER,
    "code": "a1B2c3D4",
    "kind": "svg",
    "ending": "png",
    "uidb36": "a",
    "key": "b-c",
    "token": "a" * 43,
    "on": "1",
}
# Names that pages read from addresses and forms, as their code spells them.
READ = re.compile(r'(?:GET|POST|data|request|query)\b[^"\n]{0,12}[\[(, ]"([a-z_]+)"')


@contextmanager
def first_rows_numbered() -> Iterator[None]:
    """Within it, the first row that is saved of each kind has ROW_ID."""
    seen: set[Any] = set()

    def number(sender: Any, instance: Any, **_more: Any) -> None:
        if sender not in seen and instance.pk is None and sender._meta.pk.name == "id":
            seen.add(sender)
            instance.pk = ROW_ID

    pre_save.connect(number)
    try:
        yield
    finally:
        pre_save.disconnect(number)


def make_world(workspace: Workspace, user: User) -> None:
    """A row of each kind that pages show, with ROW_ID: the broadcast is a draft, beside one that runs."""
    actor = Actor(user=user)
    with first_rows_numbered():
        make_contacts(workspace, user)
        make_content(workspace, actor)
        draft = make_draft(workspace, actor, make_list(workspace, 1, "Walked"))
        Rate.objects.create(account=draft.account, prefix="1", price="0.01")
        create_route(
            workspace=workspace, actor=actor, name="First", steps=[{"account": draft.account, "only": ["US"]}]
        )
        StoredWebhookCall.objects.create(account=draft.account, method="POST", body=b"{}")
        Invitation.objects.create(
            workspace=workspace,
            email="dave@example.com",
            role=Role.VIEWER,
            token_hash="x",
            expires_at=timezone.now(),
        )
        api_client(Role.VIEWER, workspace)


def make_contacts(workspace: Workspace, user: User) -> None:
    members = make_list(workspace, 0)
    members.recipient_count = 1
    members.save()
    Recipient.objects.create(list=members, msisdn=NUMBER, country="US")
    OptOut.objects.create(workspace=workspace, msisdn=OTHER_NUMBER)
    leavers = UnsubscribeList.objects.create(workspace=workspace, name="Leavers", member_count=1)
    UnsubscribeMember.objects.create(list=leavers, msisdn=NUMBER)
    OptOutReview.objects.create(workspace=workspace, msisdn=NUMBER, text="please stop this", inbound_id=1)
    ListJob.objects.create(workspace=workspace, list=members, kind="export", created_by=user)
    imported = Import(workspace=workspace, list=members, file_name="people.csv", created_by=user)
    imported.file.save("people.csv", ContentFile(f"number,name\n+{NUMBER},Ann\n".encode()))


def make_content(workspace: Workspace, actor: Actor) -> None:
    create_template(workspace=workspace, actor=actor, name="First", text="Hello")
    create_spinner(workspace=workspace, actor=actor, name="First", words=[("Hi", 1)])
    create_link_list(workspace=workspace, actor=actor, name="First", links=[make_link(workspace)])
    create_sender_list(workspace=workspace, actor=actor, name="First", choice=SenderChoice.RANDOM)
    make_picture(workspace)
    endpoint = create_endpoint(workspace=workspace, actor=actor, url="https://example.com/hook").endpoint
    send_test(endpoint=endpoint, actor=actor)
    Verification.objects.create(workspace=workspace, msisdn=NUMBER, expires_at=timezone.now())


def patterns(found: Any = None, before: str = "") -> Iterator[tuple[str, URLPattern]]:
    """Every pattern with its address, ids and other parts filled in."""
    for one in (found or get_resolver()).url_patterns:
        address = before + filled(one)
        if isinstance(one, URLResolver):
            yield from patterns(one, address)
        else:
            yield "/" + address, one


def filled(one: URLPattern | URLResolver) -> str:
    text = str(one.pattern)
    text = (
        re.sub(r"<(?:(\w+):)?(\w+)>", lambda match: _part(match[2], match[1]), text)
        if "(?P" not in text
        else text
    )
    text = re.sub(r"\(\?P<(\w+)>(?:[^()]|\([^()]*\))*\)", lambda match: _part(match[1], None), text)
    # What may stand behind an address is left out.
    text = re.sub(r"\(\?:[^()]*\)\?", "", text)
    return re.sub(r"[\^$?]|\\Z", "", text).replace("\\.", ".")


def _part(name: str, converter: str | None) -> str:
    if converter == "int" and name not in ("msisdn", "on"):
        return str(ROW_ID)
    return PARTS.get(name, str(ROW_ID))


@cache
def read_names() -> list[str]:
    apps = ("accounts", "campaigns", "contacts", "messaging", "providers", "web")
    files = [
        path
        for app in apps
        for path in (Path(settings.BASE_DIR) / app).rglob("*.py")
        if "sandbox/" not in str(path)
    ]
    return sorted({name for path in files for name in READ.findall(path.read_text())})


@dataclass
class SeenForm:
    """A form as a page shows it: what a browser would send of it, untouched."""

    action: str
    fields: dict[str, list[str]] = field(default_factory=dict)
    typed: set[str] = field(default_factory=set)


class Forms(HTMLParser):
    """The POST forms of a page."""

    def __init__(self, address: str) -> None:
        super().__init__()
        self.address, self.found = address, list[SeenForm]()
        self._now: SeenForm | None = None
        self._select = self._area = ""

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        given = dict(attrs)
        if tag == "form" and (given.get("method") or "").lower() == "post":
            self._now = SeenForm(given.get("action") or self.address)
            self.found.append(self._now)
        elif self._now is not None and given.get("name"):
            self._control(tag, given, self._now)
        elif tag == "option" and self._select and self._now is not None and "selected" in given:
            self._now.fields.setdefault(self._select, []).append(given.get("value") or "")

    def _control(self, tag: str, given: dict[str, Any], form: SeenForm) -> None:
        name, kind = given["name"], given.get("type", "text")
        if tag == "select":
            self._select = name
        elif tag == "textarea":
            self._area = name
            form.fields.setdefault(name, []).append("")
        elif tag == "input" and (kind not in ("checkbox", "radio") or "checked" in given):
            form.fields.setdefault(name, []).append(given.get("value") or "")
        if tag in ("input", "textarea", "select") and name != "csrfmiddlewaretoken":
            form.typed.add(name)

    def handle_data(self, data: str) -> None:
        if self._area and self._now is not None:
            self._now.fields[self._area][-1] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._now = None
        elif tag == "select":
            self._select = ""
        elif tag == "textarea":
            self._area = ""


def forms_of(address: str, page: str) -> list[SeenForm]:
    parser = Forms(address)
    parser.feed(page)
    return parser.found
