"""Pages of links and their services: list, detail, addresses that are refused, who stands where, QR pictures."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.access import Actor
from accounts.models import AuditEntry, Workspace
from campaigns.services.drafts import create_draft, save_draft
from messaging.links.links import create_link, create_link_list, set_link_enabled
from messaging.links.qr import qr_png, qr_svg
from messaging.links.reach import reach_of
from messaging.models import DispatchLink, Link, LinkCount, MessageCount
from messaging.texts.templates import create_template
from tests.access import assert_access
from tests.messaging.links.makers import make_link, make_linked_dispatch

FORM = {"name": "Sale", "url": "https://example.com/sale"}


def test_it_works(bob_client: Client, acme: Workspace) -> None:
    given = FORM | {
        "bot_redirect": "https://example.com/desktop",
        "expires_at": "2030-07-01T18:30",
        "utm_source": "sms",
    }
    response = bob_client.post("/links/new/", given)
    link = Link.objects.get()
    assert response.headers["Location"] == f"/links/{link.pk}/"
    assert (link.name, link.bot_redirect, link.utm_source) == ("Sale", "https://example.com/desktop", "sms")
    # The workspace's zone is New York's.
    assert link.expires_at == datetime(2030, 7, 1, 18, 30, tzinfo=ZoneInfo("America/New_York"))
    page = bob_client.get(f"/links/{link.pk}/").content.decode()
    for part in (f"{{{{link:{link.pk}}}}}", link.code, "2030-07-01T18:30", "America/New_York"):
        assert part in page, part


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("javascript:alert(1)", "is no address of a web page"),
        ("data:text/html,x", "is no address of a web page"),
        ("http://10.0.0.1/", "private network"),
        ("http://169.254.169.254/latest", "private network"),
        ("http://localhost:8000/", "private network"),
        ("http://[::1]/", "private network"),
        ("http://[fd00::1]/x", "private network"),
        ("http://0x7f000001/", "no address that a browser can open"),
        ("http://127.0.0.1:8000/x", "Crier itself"),
        ("https://sho.example.com/abc", "Crier itself"),
        ("https://user:password@example.com/", "name or password before the @"),
        ("https://example.com/a\tb", "invisible character"),
        ("https://example.com/" + "a" * 3_000, "at most 2000 fit"),
        ("//example.com/x", "does not begin with https://"),
        ("", "required"),
    ],
)
def test_rejects_an_address(bob_client: Client, acme: Workspace, url: str, said: str) -> None:
    Workspace.objects.filter(pk=acme.pk).update(short_domain="https://sho.example.com")
    response = bob_client.post("/links/new/", FORM | {"url": url})
    assert response.status_code == 422
    assert said in response.content.decode()
    assert not Link.objects.exists()
    assert not AuditEntry.objects.filter(subject="link").exists()


@pytest.mark.parametrize("name", ["bot_redirect", "preview_url", "expired_url"])
def test_rejects_the_other_addresses_alike(bob_client: Client, acme: Workspace, name: str) -> None:
    response = bob_client.post("/links/new/", FORM | {name: "javascript:alert(1)"})
    assert response.status_code == 422
    assert "is no address of a web page" in response.content.decode()
    assert f'id="id_{name}_error"' in response.content.decode()


@pytest.mark.parametrize(
    "url",
    [
        "https://xn--mller-kva.example.com/ä",
        "https://[2606:4700:4700::1111]/x",
        "https://EXAMPLE.com:8443/?a=b#c",
    ],
)
def test_takes_odd_but_public_addresses(bob_client: Client, acme: Workspace, url: str) -> None:
    assert bob_client.post("/links/new/", FORM | {"url": url}).status_code == 302
    assert Link.objects.get().url == url


def test_a_wrong_change_changes_nothing(bob_client: Client, acme: Workspace) -> None:
    link = make_link(acme)
    response = bob_client.post(f"/links/{link.pk}/", {"name": "New", "url": "http://192.168.0.1/"})
    assert response.status_code == 422
    page = response.content.decode()
    assert "http://192.168.0.1/" in page
    assert (Link.objects.get().name, Link.objects.get().url) == ("Sale", "https://example.com/sale")


def test_a_time_with_seconds_is_kept(bob_client: Client, acme: Workspace) -> None:
    ends = timezone.now().replace(second=42, microsecond=0) + timedelta(days=1)
    link = make_link(acme, expires_at=ends)
    shown = ends.astimezone(ZoneInfo("America/New_York")).strftime("%Y-%m-%dT%H:%M")
    bob_client.post(f"/links/{link.pk}/", FORM | {"expires_at": shown})
    assert Link.objects.get().expires_at == ends
    bob_client.post(f"/links/{link.pk}/", FORM | {"expires_at": ""})
    assert Link.objects.get().expires_at is None


def test_duplicate_and_disable(bob_client: Client, acme: Workspace) -> None:
    link = make_link(acme, preview_url="https://example.com/p")
    bob_client.post(f"/links/{link.pk}/duplicate/")
    copy = Link.objects.exclude(pk=link.pk).get()
    assert (copy.name, copy.preview_url) == ("Sale 2", "https://example.com/p")
    assert copy.code != link.code
    bob_client.post(f"/links/{link.pk}/enabled/0/")
    assert not Link.objects.get(pk=link.pk).enabled
    assert "its own address leads nowhere" in bob_client.get(f"/links/{link.pk}/").content.decode()


def test_one_that_is_over_says_so(bob_client: Client, acme: Workspace) -> None:
    link = make_link(acme, expires_at=timezone.now() - timedelta(minutes=1))
    assert "It ended on" in bob_client.get(f"/links/{link.pk}/").content.decode()
    assert "Over" in bob_client.get("/links/").content.decode()


def test_what_it_stands_in(bob_client: Client, acme: Workspace) -> None:
    link = make_link(acme)
    text = f"See {{{{link:{link.pk}}}}}"
    create_template(workspace=acme, actor=Actor(), name="Reminder", text=text)
    create_template(workspace=acme, actor=Actor(), name="Other", text=f"See {{{{link:{link.pk}0}}}}")
    create_link_list(workspace=acme, actor=Actor(), name="Shops", links=[link])
    draft = create_draft(workspace=acme, actor=Actor(), name="Summer draft")
    save_draft(broadcast=draft, actor=Actor(), version=1, changes={"text": text})
    page = bob_client.get(f"/links/{link.pk}/").content.decode()
    for name in ("Reminder", "Shops", "Summer draft"):
        assert name in page, name
    assert ">Other<" not in page


def test_the_list_searches_filters_and_sorts(bob_client: Client, acme: Workspace, other: Workspace) -> None:
    make_link(acme, "Alpha", "one")
    hidden = make_link(acme, "Beta", "two")
    make_link(other, "Theirs", "three")
    set_link_enabled(link=hidden, actor=Actor(), enabled=False)

    def names(query: str) -> list[str]:
        return [row[0].name for row in bob_client.get(f"/links/?{query}").context["rows"]]

    assert names("") == ["Alpha"]
    assert names("state=all&sort=-name") == ["Beta", "Alpha"]
    assert names("state=disabled") == ["Beta"]
    assert names("state=all&q=com/two") == ["Beta"]
    assert names(f"state=all&q=https://x.example.com/{hidden.code}") == ["Beta"]
    assert names("q=theirs&state=all") == []


def test_the_list_says_how_many_of_how_many(bob_client: Client, acme: Workspace) -> None:
    dispatch = make_linked_dispatch(acme, people=3)
    link = Link.objects.get(name="Sale")
    entry = DispatchLink.objects.get(dispatch=dispatch, link=link).entry
    LinkCount.objects.create(dispatch=dispatch, entry=entry, hit_class="human", hits=5, people=2)
    LinkCount.objects.create(dispatch=dispatch, entry=entry, hit_class="bot", hits=9, people=3)
    MessageCount.objects.filter(dispatch=dispatch).delete()
    MessageCount.objects.create(dispatch=dispatch, state="sent", reason="", count=3)
    rows = {row[0].name: row[1] for row in bob_client.get("/links/").context["rows"]}
    assert (rows["Sale"].people, rows["Sale"].recipients, rows["Sale"].clicks) == (2, 3, 5)
    assert (rows["Shop"].people, rows["Shop"].recipients) == (0, 3)
    type(dispatch).objects.filter(pk=dispatch.pk).update(started_at=timezone.now() - timedelta(days=31))
    rows = {row[0].name: row[1] for row in bob_client.get("/links/").context["rows"]}
    assert rows["Sale"].recipients == 0
    assert reach_of([link.pk])[link.pk].recipients == 3


def test_the_list_asks_the_same_of_many_as_of_few(bob_client: Client, acme: Workspace) -> None:
    make_linked_dispatch(acme, people=1)
    bob_client.get("/links/")
    with CaptureQueriesContext(connection) as few:
        bob_client.get("/links/")
    for number in range(20):
        make_link(acme, f"Link {number}", f"p{number}")
    with CaptureQueriesContext(connection) as many:
        bob_client.get("/links/")
    assert len(many) == len(few) <= 14


def test_qr_pictures(bob_client: Client, acme: Workspace) -> None:
    link = make_link(acme, "Été d'or")
    svg = bob_client.get(f"/links/{link.pk}/qr.svg")
    assert svg.headers["Content-Type"] == "image/svg+xml"
    assert svg.content == qr_svg(f"{settings.LINK_URL}/{link.code}")
    assert svg.content.startswith(b"<svg")
    png = bob_client.get(f"/links/{link.pk}/qr.png?download")
    assert png.content.startswith(b"\x89PNG")
    assert png.headers["Content-Disposition"] == f'attachment; filename="ete-dor-{link.pk}.png"'
    assert "Content-Disposition" not in svg.headers


def test_a_qr_picture_is_of_the_workspaces_domain(bob_client: Client, acme: Workspace) -> None:
    link = make_link(acme)
    Workspace.objects.filter(pk=acme.pk).update(short_domain="https://sho.example.com")
    content = bob_client.get(f"/links/{link.pk}/qr.png").content
    assert content == qr_png(f"https://sho.example.com/{link.code}")


def test_access(acme: Workspace) -> None:
    link = make_link(acme)
    assert_access("/links/", viewer=200)
    assert_access("/links/new/", viewer=403, marketer=200)
    assert_access(f"/links/{link.pk}/", viewer=200)
    assert_access(f"/links/{link.pk}/", "post", viewer=403, marketer=302, data=FORM)
    assert_access(f"/links/{link.pk}/qr.svg", viewer=200)
    assert_access(f"/links/{link.pk}/duplicate/", "post", viewer=403, marketer=302, wrong_method="get")
    assert_access(
        f"/links/{link.pk}/enabled/0/", "post", viewer=403, marketer=302, wrong_method="get", missing=False
    )
    assert_access(f"/links/{link.pk}/again/", viewer=302)
    assert_access(f"/links/{link.pk}/again/", "post", viewer=403, marketer=302)


def test_a_viewer_sees_no_forms(victor_client: Client, acme: Workspace) -> None:
    link = make_link(acme, utm_source="sms")
    page = victor_client.get(f"/links/{link.pk}/").content.decode()
    assert 'name="url"' not in page
    assert "duplicate" not in page
    assert "https://example.com/sale?utm_source=sms" in page


def test_a_name_with_markup_is_text(bob_client: Client, acme: Workspace) -> None:
    link = create_link(
        workspace=acme, actor=Actor(), name="<script>alert(1)</script>", url="https://example.com/?a=<b>&c"
    )
    for address in ("/links/", f"/links/{link.pk}/"):
        assert "<script>alert(1)" not in bob_client.get(address).content.decode()


def test_all_that_is_wrong_is_named_at_once(bob_client: Client, acme: Workspace, settings: Any) -> None:
    settings.PUBLIC_URL = "https://crier.example.com"
    given = {
        "name": "Sale",
        "url": "https://example.com/sale",
        "bot_redirect": "http://10.0.0.1/",
        "preview_url": "https://crier.example.com/links/",
        "expired_url": "javascript:alert(1)",
        "utm_source": "x" * 120,
    }
    for url in ("/links/new/", f"/links/{make_link(acme, 'Shop').pk}/"):
        response = bob_client.post(url, given)
        assert response.status_code == 422
        assert set(response.context["form"].errors) == {
            "bot_redirect",
            "preview_url",
            "expired_url",
            "utm_source",
        }
        assert response.context["form"]["utm_source"].value() == "x" * 120
