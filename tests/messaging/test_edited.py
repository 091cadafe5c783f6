"""Two editors of one row, by its page and by the admin: the second is told of the first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db.models import Model
from django.test import Client

from accounts.access import Actor
from accounts.models import User, Workspace
from messaging.links.links import create_link_list
from messaging.models import Link, Sender, SenderChoice
from messaging.sender_lists import create_sender_list
from messaging.senders import create_sender
from messaging.texts.spinners import create_spinner
from messaging.texts.templates import create_template
from tests.messaging.links.makers import make_link
from tests.messaging.media.makers import make_picture
from tests.people import ApiClient, client_of

TOLD = "It was changed elsewhere since you opened it"
Make = Callable[[Workspace], Model]


def _sender(acme: Workspace) -> Sender:
    return create_sender(workspace=acme, actor=Actor(), value="Northwind", countries=["US"])


def _sender_list(acme: Workspace) -> Model:
    return create_sender_list(workspace=acme, actor=Actor(), name="First", choice=SenderChoice.RANDOM)


def _link_list(acme: Workspace) -> Model:
    return create_link_list(workspace=acme, actor=Actor(), name="First", links=[])


def _template(acme: Workspace) -> Model:
    return create_template(workspace=acme, actor=Actor(), name="First", text="Hello")


def _spinner(acme: Workspace) -> Model:
    return create_spinner(workspace=acme, actor=Actor(), name="First", words=[("Hi", 1)])[0]


def _picture(acme: Workspace) -> Model:
    return make_picture(acme)


LINK = {"name": "Sale", "url": "https://example.com/sale"}
# By page: the row, its address, what the first saves and what the second, whose value has to stay as the first left it.
PAGES: list[tuple[Make, str, dict[str, Any], dict[str, Any], str]] = [
    (make_link, "links", LINK | {"utm_source": "sms"}, LINK | {"name": "Mine"}, "utm_source"),
    (_link_list, "links/lists", {"name": "Theirs"}, {"name": "Mine"}, "name"),
    (_sender, "senders", {"countries": ["GB"]}, {"countries": ["US", "CA"]}, "countries"),
    (
        _sender_list,
        "senders/lists",
        {"name": "First", "choice": "sticky"},
        {"name": "Mine", "choice": "random"},
        "choice",
    ),
    (_picture, "media", {"name": "Theirs"}, {"name": "Mine"}, "name"),
]


@pytest.mark.parametrize(("make", "path", "first", "second", "kept"), PAGES, ids=[each[1] for each in PAGES])
def test_the_second_is_told_and_may_save_again(
    make: Make,
    path: str,
    first: dict[str, Any],
    second: dict[str, Any],
    kept: str,
    acme: Workspace,
    bob_client: Client,
) -> None:
    row = make(acme)
    url = f"/{path}/{row.pk}/"
    seen = bob_client.get(url).context["form"]["seen"].value()
    assert f'value="{seen}"' in bob_client.get(url).content.decode()
    assert bob_client.post(url, first | {"seen": seen}).status_code == 302
    row.refresh_from_db()
    theirs = getattr(row, kept)
    told = bob_client.post(url, second | {"seen": seen})
    assert (told.status_code, TOLD in told.content.decode()) == (422, True)
    row.refresh_from_db()
    assert getattr(row, kept) == theirs
    now = told.context["form"]["seen"].value()
    assert f'value="{now}"' in told.content.decode()
    assert bob_client.post(url, second | {"seen": now}).status_code == 302
    row.refresh_from_db()
    assert getattr(row, kept) != theirs


def test_a_default_that_another_sender_has_become_is_not_taken_back_unasked(
    acme: Workspace, bob_client: Client
) -> None:
    mine = create_sender(workspace=acme, actor=Actor(), value="Northwind", is_default=True)
    seen = bob_client.get(f"/senders/{mine.pk}/").context["form"]["seen"].value()
    create_sender(workspace=acme, actor=Actor(), value="Southwind", is_default=True)
    told = bob_client.post(f"/senders/{mine.pk}/", {"countries": ["US"], "is_default": "on", "seen": seen})
    assert told.status_code == 422
    assert Sender.objects.get(is_default=True).value == "Southwind"


def test_members_that_came_meanwhile_are_no_news_to_who_renames(acme: Workspace, bob_client: Client) -> None:
    link_list = create_link_list(workspace=acme, actor=Actor(), name="First", links=[])
    url = f"/links/lists/{link_list.pk}/"
    seen = bob_client.get(url).context["form"]["seen"].value()
    bob_client.post(f"{url}links/", {"add": make_link(acme).pk})
    assert bob_client.post(url, {"name": "Mine", "seen": seen}).status_code == 302
    assert link_list.entries.count() == 1


def test_the_api_changes_the_named_fields_alone(acme: Workspace, api: Callable[..., ApiClient]) -> None:
    link, bob = make_link(acme), api()
    assert bob.patch(f"/api/v1/links/{link.pk}/", {"utm_source": "sms"}).status_code == 200
    assert bob.patch(f"/api/v1/links/{link.pk}/", {"name": "Mine"}).status_code == 200
    link = Link.objects.get()
    assert (link.name, link.utm_source) == ("Mine", "sms")


ADMIN: list[tuple[Make, dict[str, Any], dict[str, Any], str]] = [
    (make_link, LINK | {"utm_source": "sms", "enabled": "on"}, LINK | {"enabled": "on"}, "utm_source"),
    (_link_list, {"name": "Theirs", "enabled": "on"}, {"name": "Mine", "enabled": "on"}, "name"),
    (_sender, {"countries": "GB", "enabled": "on"}, {"countries": "US, CA", "enabled": "on"}, "countries"),
    (
        _sender_list,
        {"name": "First", "choice": "sticky", "enabled": "on"},
        {"name": "First", "choice": "random"},
        "choice",
    ),
    (_picture, {"name": "Theirs", "enabled": "on"}, {"name": "Mine", "enabled": "on"}, "name"),
    (
        _template,
        {"name": "First", "text": "Theirs", "enabled": "on"},
        {"name": "First", "text": "Mine", "enabled": "on"},
        "text",
    ),
    (
        _spinner,
        {"name": "First", "words": "Theirs", "enabled": "on"},
        {"name": "First", "words": "Mine", "enabled": "on"},
        "words",
    ),
]


@pytest.mark.parametrize(
    ("make", "first", "second", "kept"), ADMIN, ids=[each[0].__name__.strip("_") for each in ADMIN]
)
def test_so_does_the_admin(
    make: Make, first: dict[str, Any], second: dict[str, Any], kept: str, acme: Workspace, alice: User
) -> None:
    User.objects.filter(pk=alice.pk).update(is_staff=True, is_superuser=True)
    staff = client_of(User.objects.get(pk=alice.pk))
    row = make(acme)
    url = f"/admin/messaging/{row._meta.model_name}/{row.pk}/change/"
    seen = staff.get(url).context["adminform"].form["seen"].value()
    assert f'value="{seen}"' in staff.get(url).content.decode()
    assert staff.post(url, first | {"seen": seen}).status_code == 302
    row.refresh_from_db()
    theirs = getattr(row, kept)
    told = staff.post(url, second | {"seen": seen})
    assert (told.status_code, TOLD in told.content.decode()) == (200, True)
    row.refresh_from_db()
    assert getattr(row, kept) == theirs
    now = told.context["adminform"].form["seen"].value()
    assert staff.post(url, second | {"seen": now}).status_code == 302
    row.refresh_from_db()
    assert getattr(row, kept) != theirs
