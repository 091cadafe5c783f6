"""`/api/v1/links`, `/api/v1/link-lists`, `/api/v1/hits`: the same rules as the pages."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.access import Actor
from accounts.models import Workspace
from messaging.links.hits import apply_hits, classify_new_hits
from messaging.links.links import create_link_list
from messaging.models import Dispatch, Link, LinkList
from tests.access import assert_access
from tests.conftest import SentTask
from tests.messaging.links.makers import (
    WHATSAPP,
    code_of,
    make_link,
    make_linked_dispatch,
    messages_of,
    raw_hit,
)
from tests.people import ApiClient

Api = Callable[..., ApiClient]
LINKS, LISTS, HITS = "/api/v1/links/", "/api/v1/link-lists/", "/api/v1/hits/"


@pytest.fixture
def dispatch(acme: Workspace) -> Dispatch:
    made = make_linked_dispatch(acme)
    ann, ben, _cleo = messages_of(made)
    now = timezone.now()
    apply_hits(
        [
            raw_hit(code_of(ann), now),
            raw_hit(code_of(ben), now - timedelta(minutes=1), agent=WHATSAPP),
            raw_hit(Link.objects.get(name="Sale").code, now - timedelta(minutes=2), address="203.0.113.99"),
        ]
    )
    classify_new_hits()
    return made


def test_it_works(api: Api, acme: Workspace) -> None:
    client = api("marketer")
    given = {"name": "Sale", "url": "https://example.com/s", "expires_at": "2030-01-01T00:00:00+01:00"}
    made = client.post(LINKS, given)
    assert made.status_code == 201, made.content
    body = made.json()
    assert (body["url"], body["enabled"], body["token"]) == (given["url"], True, f"{{{{link:{body['id']}}}}}")
    assert body["short_url"].endswith(Link.objects.get().code)
    changed = client.patch(f"{LINKS}{body['id']}/", {"enabled": False, "utm_source": "sms"})
    assert (changed.json()["enabled"], changed.json()["utm_source"]) == (False, "sms")
    assert client.get(f"{LINKS}?enabled=false").json()["results"][0]["id"] == body["id"]
    copy = client.post(f"{LINKS}{body['id']}/duplicate/")
    assert (copy.status_code, copy.json()["name"]) == (201, "Sale 2")


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("url", "javascript:alert(1)", "no address of a web page"),
        ("url", "http://10.1.2.3/", "private network"),
        ("url", "https://example.com/" + "a" * 3_000, "at most 2000 fit"),
        ("preview_url", "https://user:password@example.com/", "before the @"),
        ("utm_source", "x" * 101, "100"),
        ("name", "x" * 101, "at most 100 fit"),
        ("expires_at", "2030-01-01T00:00:00", "offset"),
        ("code", "abc", "code"),
    ],
)
def test_rejects(api: Api, acme: Workspace, field: str, value: str, said: str) -> None:
    response = api("marketer").post(LINKS, {"name": "Sale", "url": "https://example.com/", field: value})
    assert response.status_code == 400, response.content
    errors = response.json()["errors"]
    assert [error["field"] for error in errors] == [field]
    assert said in errors[0]["detail"]
    assert not Link.objects.exists()


def test_a_name_that_is_taken_is_a_conflict(api: Api, acme: Workspace) -> None:
    make_link(acme)
    response = api("marketer").post(LINKS, {"name": "sale", "url": "https://example.com/"})
    assert (response.status_code, response.json()["code"]) == (409, "name_taken")


def test_lists(api: Api, acme: Workspace, other: Workspace) -> None:
    client = api("marketer")
    one, two = make_link(acme, "One", "1"), make_link(acme, "Two", "2")
    made = client.post(LISTS, {"name": "Both", "links": [two.pk, one.pk]})
    assert (made.status_code, made.json()["links"]) == (201, [two.pk, one.pk])
    address = f"{LISTS}{made.json()['id']}/"
    assert client.patch(address, {"links": [one.pk, two.pk]}).json()["links"] == [one.pk, two.pk]
    theirs = make_link(other)
    refused = client.patch(address, {"name": "New", "links": [theirs.pk]})
    assert refused.status_code == 400
    assert f"no link {theirs.pk}" in refused.json()["detail"]
    assert client.get(address).json()["name"] == "Both"
    assert client.patch(address, {"enabled": False}).json()["enabled"] is False
    assert client.post(f"{address}duplicate/").json()["links"] == [one.pk, two.pk]
    used = client.get(f"{LINKS}{one.pk}/used-by/").json()
    assert {row["name"] for row in used["lists"]} == {"Both", "Both 2"}
    assert client.get(f"{address}used-by/").json() == {"lists": [], "open": [], "sent": []}
    spread = client.get(f"{address}spread/").json()
    assert [(row["link"], row["given_to"]) for row in spread["links"]] == [(one.pk, 0), (two.pk, 0)]


def test_clicks(api: Api, dispatch: Dispatch) -> None:
    link = Link.objects.get(name="Sale")
    body = api("viewer").get(f"{LINKS}{link.pk}/clicks/?period=7").json()
    assert (body["people"], body["requests"]["human"], body["requests"]["bot"]) == (1, 1, 1)
    assert body["own_address"]["human"] == 1
    assert sum(day["human"] for day in body["by_day"]) == 1
    assert {row["device"] for row in body["by_device"]} == {"phone"}
    assert body["by_broadcast"][0]["people"] == 1
    refused = api("viewer").get(f"{LINKS}{link.pk}/clicks/?period=8")
    assert refused.status_code == 400
    assert "7, 30, 90, all" in refused.json()["detail"]
    assert api("viewer").get(f"{LINKS}{link.pk}/reach/").json()["people"] == 1


def test_hits(api: Api, dispatch: Dispatch, other: Workspace) -> None:
    link = Link.objects.get(name="Sale")
    client = api("viewer")
    body = client.get(f"{HITS}?link={link.pk}&page_size=2").json()
    assert [(row["hit_class"], row["rule"]) for row in body["results"]] == [("human", ""), ("bot", "preview")]
    assert body["results"][1]["words"] == "A machine: a messenger drew a preview"
    assert body["results"][0]["network"] == "203.0.113.0/24"
    assert "203.0.113.7" not in str(body)
    assert "visitor" not in body["results"][0]
    rest = client.get(body["next"]).json()
    assert ([row["message"] for row in rest["results"]], rest["next"]) == ([None], None)
    assert len(client.get(f"{HITS}?broadcast=1&hit_class=bot").json()["results"]) == 1
    assert client.get(f"{HITS}?broadcast=77").json()["results"] == []
    assert client.get(HITS).status_code == 400
    assert api("owner", other).get(f"{HITS}?link={link.pk}").json()["results"] == []


def test_conversion_only_reads(api: Api, dispatch: Dispatch) -> None:
    viewer = api("viewer")
    assert viewer.post(f"{LINKS}conversion/", {"url": "https://example.com/sale"}).status_code == 200
    assert viewer.post(LINKS, {"name": "Sale", "url": "https://example.com/"}).status_code == 403


def test_conversion(api: Api, dispatch: Dispatch) -> None:
    client = api("marketer")
    body = client.post(f"{LINKS}conversion/", {"url": "https://example.com/sale"}).json()
    assert body == {"conversion": 0.0, "total_recipients": 0, "clicks": 1}, "nothing was handed over yet"
    missing = client.post(f"{LINKS}conversion/", {"url": "https://example.com/none"})
    assert missing.status_code == 404
    assert "https://example.com/none" in missing.json()["detail"]
    assert client.post(f"{LINKS}conversion/", {}).status_code == 400


def test_compute_again(api: Api, dispatch: Dispatch, no_broker: list[SentTask]) -> None:
    link, client = Link.objects.get(name="Sale"), api("marketer")
    address = f"{LINKS}{link.pk}/compute-again/"
    assert client.get(address).json() == {"state": "none", "total": None, "done": 0}
    asked = client.post(address)
    assert (asked.status_code, asked.json()["state"]) == (202, "asked")
    assert no_broker[-1].args == ([dispatch.pk],)
    again = client.post(address)
    assert (again.status_code, again.json()["code"]) == (409, "under_way")
    unsent = make_link(dispatch.workspace, "Unsent", "u")
    assert client.post(f"{LINKS}{unsent.pk}/compute-again/").status_code == 409


def test_qr(api: Api, acme: Workspace) -> None:
    response = api("viewer").get(f"{LINKS}{make_link(acme).pk}/qr/")
    assert (response.headers["Content-Type"], response.content[:4]) == ("image/svg+xml", b"<svg")


def test_access(acme: Workspace) -> None:
    link = make_link(acme)
    shops: LinkList = create_link_list(workspace=acme, actor=Actor(), name="Shops", links=[link])
    assert_access(LINKS, viewer=200)
    assert_access(f"{LINKS}{link.pk}/", viewer=200)
    assert_access(f"{LINKS}{link.pk}/", "patch", viewer=403, marketer=200, data={})
    assert_access(f"{LINKS}{link.pk}/clicks/", viewer=200, wrong_method="post")
    assert_access(f"{LINKS}{link.pk}/used-by/", viewer=200)
    assert_access(f"{LINKS}{link.pk}/duplicate/", "post", viewer=403, marketer=201)
    assert_access(f"{LINKS}{link.pk}/compute-again/", "post", viewer=403, marketer=409)
    assert_access(f"{LISTS}{shops.pk}/", viewer=200)
    assert_access(f"{LISTS}{shops.pk}/", "patch", viewer=403, marketer=200, data={"name": "New"})
    assert_access(f"{LISTS}{shops.pk}/duplicate/", "post", viewer=403, marketer=201)
    assert_access(f"{HITS}?link={link.pk}", viewer=200)


def test_a_page_of_links_asks_little(
    api: Api, acme: Workspace, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    client = api("viewer")
    for number in range(20):
        make_link(acme, f"L{number}", f"l{number}")
    client.get(LINKS)
    with django_assert_max_num_queries(5):
        assert len(client.get(LINKS).json()["results"]) == 20
