"""Pages of link lists: order without dragging, adding, how evenly they were spread."""

from __future__ import annotations

import pytest
from django.test import Client

from accounts.access import Actor
from accounts.models import AuditEntry, Workspace
from campaigns.services.drafts import create_draft
from messaging.links.links import create_link_list, set_link_list_enabled
from messaging.links.reach import spread_of
from messaging.models import Link, LinkCount, LinkList, Message
from tests.access import assert_access
from tests.campaigns.makers import PEOPLE, make_draft, send
from tests.campaigns.test_links_in_texts import with_text
from tests.messaging.links.makers import make_link


@pytest.fixture
def shops(acme: Workspace) -> LinkList:
    links = [make_link(acme, name, name.lower()) for name in ("One", "Two", "Three")]
    return create_link_list(workspace=acme, actor=Actor(), name="Shops", links=links)


def names(link_list: LinkList) -> list[str]:
    return [entry.link.name for entry in link_list.entries.select_related("link")]


def test_it_works(bob_client: Client, acme: Workspace) -> None:
    link = make_link(acme)
    bob_client.post("/links/lists/new/", {"name": "Shops"})
    made = LinkList.objects.get()
    page = bob_client.get(f"/links/lists/{made.pk}/").content.decode()
    assert "has no links. Add some." in page
    assert f"{{{{link_list:{made.pk}}}}}" in page
    bob_client.post(f"/links/lists/{made.pk}/links/", {"add": link.pk})
    assert names(made) == ["Sale"]
    assert AuditEntry.objects.filter(subject="linklist", action="changed").count() == 1


@pytest.mark.parametrize(
    ("what", "name", "wanted"),
    [
        ("up", "Three", ["One", "Three", "Two"]),
        ("up", "One", ["One", "Two", "Three"]),
        ("down", "One", ["Two", "One", "Three"]),
        ("down", "Three", ["One", "Two", "Three"]),
        ("out", "Two", ["One", "Three"]),
    ],
)
def test_each_button(bob_client: Client, shops: LinkList, what: str, name: str, wanted: list[str]) -> None:
    link = Link.objects.get(name=name)
    response = bob_client.post(f"/links/lists/{shops.pk}/links/", {what: link.pk})
    assert response.status_code == 302
    assert names(shops) == wanted


def test_rejects_what_is_no_link_of_ours(bob_client: Client, shops: LinkList, other: Workspace) -> None:
    theirs = make_link(other)
    for given in ({"add": theirs.pk}, {"add": ""}, {"add": "x"}, {"up": theirs.pk}, {"out": "²"}, {}):
        response = bob_client.post(f"/links/lists/{shops.pk}/links/", given)
        assert response.status_code == 422, given
    assert names(shops) == ["One", "Two", "Three"]


def test_rejects_more_links_than_codes(bob_client: Client, acme: Workspace, shops: LinkList) -> None:
    for number in range(58):
        bob_client.post(
            f"/links/lists/{shops.pk}/links/", {"add": make_link(acme, f"N{number}", f"n{number}").pk}
        )
    assert len(names(shops)) == 60
    page = bob_client.get(f"/links/lists/{shops.pk}/").content.decode()
    assert "The list is full" in page


def test_a_name_that_is_taken(bob_client: Client, acme: Workspace, shops: LinkList) -> None:
    other = create_link_list(workspace=acme, actor=Actor(), name="Other", links=[])
    response = bob_client.post(f"/links/lists/{other.pk}/", {"name": "SHOPS"})
    assert response.status_code == 422
    assert "already" in response.content.decode()
    assert bob_client.post(f"/links/lists/{other.pk}/", {"name": "Third"}).status_code == 302


def test_spread_exactly(bob_client: Client, acme: Workspace, shops: LinkList) -> None:
    actor = Actor()
    made = send(with_text(make_draft(acme, actor), actor, f"{{{{link_list:{shops.pk}}}}}"), actor)
    messages = Message.objects.filter(broadcast_id=made.pk)
    real = [sum(1 for row in messages if (row.place or 0) % 3 == place) for place in range(3)]
    spread = spread_of(shops)
    assert [one.planned for one in spread.given] == real
    assert (spread.planned, spread.texts, max(real) - min(real) <= 1) == (PEOPLE, 1, True)
    dispatch = messages.first().dispatch  # type: ignore[union-attr]  # thirty people
    LinkCount.objects.create(dispatch=dispatch, entry=1, hit_class="human", hits=4, people=3)
    out = Link.objects.get(name="Two")
    bob_client.post(f"/links/lists/{shops.pk}/links/", {"out": out.pk})
    found = {one.link.name: one for one in spread_of(shops).given}
    assert (found["Two"].is_in_list, found["Two"].people, found["Two"].clicks) == (False, 3, 4)
    page = bob_client.get(f"/links/lists/{shops.pk}/").content.decode()
    assert "Taken out" in page
    assert f"Planned for {PEOPLE} people in 1 text so far" in page


def test_duplicate_and_disable(bob_client: Client, shops: LinkList) -> None:
    bob_client.post(f"/links/lists/{shops.pk}/duplicate/")
    assert names(LinkList.objects.exclude(pk=shops.pk).get()) == ["One", "Two", "Three"]
    bob_client.post(f"/links/lists/{shops.pk}/enabled/0/")
    assert "is disabled" in bob_client.get(f"/links/lists/{shops.pk}/").content.decode()


def test_the_list_of_lists(bob_client: Client, acme: Workspace, shops: LinkList) -> None:
    hidden = create_link_list(workspace=acme, actor=Actor(), name="Hidden", links=[])
    set_link_list_enabled(link_list=hidden, actor=Actor(), enabled=False)
    rows = bob_client.get("/links/lists/").context["rows"]
    assert [(row.name, size) for row, size in rows] == [("Shops", 3)]
    assert [row.name for row, _size in bob_client.get("/links/lists/?q=tw").context["rows"]] == ["Shops"]
    assert not bob_client.get("/links/lists/?q=nothing").context["rows"]


def test_access(acme: Workspace, shops: LinkList) -> None:
    assert_access("/links/lists/", viewer=200)
    assert_access("/links/lists/new/", viewer=403, marketer=200)
    assert_access(f"/links/lists/{shops.pk}/", viewer=200)
    assert_access(f"/links/lists/{shops.pk}/", "post", viewer=403, marketer=302, data={"name": "Shops"})
    one = Link.objects.get(name="One").pk
    assert_access(
        f"/links/lists/{shops.pk}/links/",
        "post",
        viewer=403,
        marketer=302,
        wrong_method="get",
        data={"down": one},
    )
    assert_access(f"/links/lists/{shops.pk}/duplicate/", "post", viewer=403, marketer=302, wrong_method="get")
    assert_access(
        f"/links/lists/{shops.pk}/enabled/0/",
        "post",
        viewer=403,
        marketer=302,
        wrong_method="get",
        missing=False,
    )


def test_the_composer_offers_both_by_name(bob_client: Client, acme: Workspace, shops: LinkList) -> None:
    draft = create_draft(workspace=acme, actor=Actor(), name="Draft")
    page = bob_client.get(f"/broadcasts/{draft.pk}/edit/").content.decode()
    one = Link.objects.get(name="One")
    assert f'data-insert="{{{{link:{one.pk}}}}}"' in page
    assert f'data-insert="{{{{link_list:{shops.pk}}}}}"' in page
