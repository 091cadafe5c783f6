"""The short way to a link's address, asked as a server asks it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError
from django.utils import timezone

from accounts.access import Actor
from accounts.models import Workspace
from messaging.erasure import erase_number
from messaging.links import lookup as lookup_module
from messaging.links import redirect as redirect_module
from messaging.links import retry
from messaging.links.links import change_link, set_link_enabled
from messaging.links.lookup import Lookup
from messaging.links.redirect import Redirects
from messaging.models import Dispatch, DispatchLink, Link, LinkUse, OwnUrl
from tests.messaging.links.makers import (
    IPHONE,
    WAY_OUT,
    WHATSAPP,
    WINDOWS,
    code_of,
    make_link,
    make_linked_dispatch,
    messages_of,
)


class Hits:
    def __init__(self) -> None:
        self.added: list[dict[str, Any]] = []

    def add(self, code: str, at: float, **facts: Any) -> None:
        self.added.append({"code": code, **facts})


class Site:
    """Asks; what is not led on comes to the application as "passed on"."""

    def __init__(self) -> None:
        self.hits = Hits()
        self.seen: dict[str, Any] = {}
        self.application = Redirects(self._application, lookup=Lookup(), spool=self.hits)  # type: ignore[arg-type]  # a stand-in

    def _application(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        self.seen = environ
        start_response("200 OK", [])
        return [b"passed on"]

    def ask(self, path: str, *, agent: str = IPHONE, method: str = "GET", **environ: Any) -> tuple[str, str]:
        """(status, Location or body)"""
        answered: list[Any] = []
        body = self.application(
            {
                "REQUEST_METHOD": method,
                "PATH_INFO": path,
                "HTTP_USER_AGENT": agent,
                "REMOTE_ADDR": "203.0.113.7",
                **environ,
            },
            lambda status, headers: answered.append((status, dict(headers))),
        )
        status, self.headers = answered[0]
        return status[:3], self.headers.get("Location") or b"".join(body).decode()


@pytest.fixture
def site() -> Site:
    return Site()


@pytest.fixture
def dispatch(acme: Workspace) -> Dispatch:
    return make_linked_dispatch(acme)


@pytest.fixture
def code(dispatch: Dispatch) -> str:
    return code_of(messages_of(dispatch)[0])


def test_it_works(site: Site, code: str) -> None:
    assert site.ask(f"/{code}") == ("302", "https://example.com/sale")
    assert site.hits.added == [
        {
            "code": code,
            "method": "GET",
            "agent": IPHONE,
            "address": "203.0.113.7",
            "is_prefetch": False,
            "is_over": False,
            "uid": "",
        }
    ]
    assert site.headers["Cache-Control"] == "private, no-store"


def test_a_second_visit_asks_the_database_nothing(
    site: Site, code: str, django_assert_num_queries: Any
) -> None:
    site.ask(f"/{code}")
    with django_assert_num_queries(0):
        assert site.ask(f"/{code}") == ("302", "https://example.com/sale")


def test_another_recipient_of_the_same_text_takes_one_question(
    site: Site, dispatch: Dispatch, django_assert_num_queries: Any
) -> None:
    first, second = (code_of(message) for message in messages_of(dispatch)[:2])
    site.ask(f"/{first}")
    with django_assert_num_queries(1):
        assert site.ask(f"/{second}") == ("302", "https://example.com/sale")


@pytest.mark.parametrize("path", ["/", "/settings", "/settings/", "/broadcasts/", "/a.b", "/ünïcödé", "/x/y"])
def test_what_is_no_code_is_passed_on(site: Site, dispatch: Dispatch, path: str) -> None:
    assert site.ask(path) == ("200", "passed on")
    assert not site.hits.added


@pytest.mark.parametrize("method", ["POST", "OPTIONS", "PUT", "DELETE"])
def test_another_method_is_noted_and_never_led_on(site: Site, code: str, method: str) -> None:
    status, body = site.ask(f"/{code}", method=method)
    assert (status, site.headers["Allow"]) == ("405", "GET, HEAD")
    assert "Location" not in site.headers
    assert "can only be opened" in body
    assert [hit["method"] for hit in site.hits.added] == [method]


def test_another_method_of_what_is_no_link_is_passed_on(site: Site, dispatch: Dispatch) -> None:
    for code in ("nolink", "zzzzzzzz", code_of(messages_of(dispatch)[0], WAY_OUT)):
        assert site.ask(f"/{code}", method="POST") == ("200", "passed on")
    assert not site.hits.added


@pytest.mark.parametrize("path", ["/zzzzzzzz", "/12345678/", "/nolink", "/nosuchlink."])
def test_a_code_that_is_none_leads_nowhere(site: Site, dispatch: Dispatch, path: str) -> None:
    status, body = site.ask(path)
    assert (status, "This link leads nowhere." in body, "dashboard" in body) == ("404", True, False)
    assert not site.hits.added
    status, body = site.ask(path, HTTP_ACCEPT_LANGUAGE="xx, he;q=0.9, en;q=0.5")
    assert '<html lang="he" dir="rtl">' in body
    assert site.ask(path, method="HEAD") == ("404", "")


@pytest.mark.parametrize("end", ["/", ".", ",", ".)", "!", ">", "\xe2\x80\xa6", "\xe3\x80\x82"])
def test_what_stands_behind_a_code_in_a_text_is_no_part_of_it(site: Site, code: str, end: str) -> None:
    assert site.ask(f"/{code}{end}") == ("302", "https://example.com/sale")
    assert site.hits.added[0]["code"] == code


def test_names_of_pages_are_no_codes_whatever_the_database_does(
    site: Site, code: str, away: Callable[[], None]
) -> None:
    site.ask(f"/{code}")
    away()
    for path in ("/healthz", "/readyz", "/metrics", "/settings", "/login/"):
        assert site.ask(path) == ("200", "passed on")


def test_every_page_has_its_name_kept() -> None:
    for pattern, name in (("links/", "links"), ("healthz", "healthz"), ("^api/", "api"), ("admin/", "admin")):
        assert name in redirect_module.page_names(), pattern


def test_head_is_led_on_and_noted(site: Site, code: str) -> None:
    assert site.ask(f"/{code}", method="HEAD") == ("302", "https://example.com/sale")
    assert site.hits.added[0]["method"] == "HEAD"


def test_the_way_out_is_no_redirect(site: Site, dispatch: Dispatch) -> None:
    code = code_of(messages_of(dispatch)[0], WAY_OUT)
    assert site.ask(f"/{code}")[0] == "404"
    assert not site.hits.added


def test_machines_and_desktops_go_where_the_link_says(site: Site, acme: Workspace) -> None:
    link = make_link(
        acme,
        bot_redirect="https://example.com/desktop",
        preview_url="https://example.com/preview",
    )
    assert site.ask(f"/{link.code}")[1] == "https://example.com/sale"
    assert site.ask(f"/{link.code}", agent=WINDOWS)[1] == "https://example.com/desktop"
    assert site.ask(f"/{link.code}", agent=WHATSAPP)[1] == "https://example.com/preview"
    assert site.ask(f"/{link.code}", agent="")[1] == "https://example.com/preview"
    assert site.ask(f"/{link.code}", HTTP_SEC_PURPOSE="prefetch")[1] == "https://example.com/preview"
    assert site.hits.added[-1]["is_prefetch"] is True


@pytest.mark.parametrize("coding", ["utf-8", "latin-1"])
def test_an_agent_with_letters_of_its_language_is_read(site: Site, acme: Workspace, coding: str) -> None:
    """Headers come as PEP 3333 has it: each byte one letter."""
    link = make_link(acme, preview_url="https://example.com/preview")
    agent = "Mozilla/5.0 (Linux; Android 13; SM-A14) Mobile MyApp/Été"
    assert site.ask(f"/{link.code}", agent=agent.encode(coding).decode("latin-1"))[1] == link.url
    assert site.hits.added[-1]["agent"] == agent


def test_utm_parameters_are_added_once(site: Site, acme: Workspace) -> None:
    link = make_link(acme, utm_source="sms", utm_campaign="Spring & summer")
    assert site.ask(f"/{link.code}")[1] == (
        "https://example.com/sale?utm_source=sms&utm_campaign=Spring+%26+summer"
    )
    own = make_link(acme, "Own", "sale?utm_source=letter#top", utm_source="sms", utm_medium="text")
    assert site.ask(f"/{own.code}")[1] == ("https://example.com/sale?utm_source=letter&utm_medium=text#top")


def test_parameters_are_added_behind_a_loose_end(site: Site, acme: Workspace) -> None:
    link = make_link(acme, "Loose", "sale?a=1&", utm_source="sms")
    assert site.ask(f"/{link.code}")[1] == "https://example.com/sale?a=1&utm_source=sms"


def test_a_location_is_ascii(site: Site, acme: Workspace) -> None:
    link = make_link(acme, "Books", "straße?q=ü&x=%20#é")
    Link.objects.filter(pk=link.pk).update(url="https://bücher.example:8443/straße?q=ü&x=%20#é")
    assert site.ask(f"/{link.code}")[1] == (
        "https://xn--bcher-kva.example:8443/stra%C3%9Fe?q=%C3%BC&x=%20#%C3%A9"
    )


def test_under_anothers_short_domain_a_link_leads_nowhere(
    site: Site, acme: Workspace, other: Workspace, code: str
) -> None:
    own = Link.objects.get(name="Sale").code
    Workspace.objects.filter(pk=acme.pk).update(short_domain="https://sho.example.com")
    Workspace.objects.filter(pk=other.pk).update(short_domain="https://their.example.com")
    for path in (f"/{code}", f"/{own}"):
        for host in ("sho.example.com", "SHO.example.com:443", "testserver", "formerly.example.com"):
            assert site.ask(path, HTTP_HOST=host)[0] == "302", host
        assert site.ask(path, HTTP_HOST="their.example.com")[0] == "404"
        assert site.ask(path, HTTP_HOST="Their.Example.com.:8443")[0] == "404"
    assert len(site.hits.added) == 8


def test_under_a_short_domain_are_no_pages(site: Site, acme: Workspace, settings: Any) -> None:
    Workspace.objects.filter(pk=acme.pk).update(short_domain="https://sho.example.com")
    settings.PUBLIC_URL, settings.LINK_URL = "https://crier.example.com", "https://go.example.com"
    for host in ("sho.example.com", "go.example.com"):
        for path in ("/", "/settings/", "/a.b"):
            assert site.ask(path, HTTP_HOST=host, HTTP_ACCEPT_LANGUAGE="de")[0] == "404"
            assert (
                "Dieser Link führt nirgendwohin."
                in site.ask(path, HTTP_HOST=host, HTTP_ACCEPT_LANGUAGE="de")[1]
            )
        for path in ("/o/test", "/static/public.css"):
            assert site.ask(path, HTTP_HOST=host) == ("200", "passed on")
    assert site.ask("/", HTTP_HOST="crier.example.com") == ("200", "passed on")
    assert site.ask("/", HTTP_HOST="unknown.example.com") == ("200", "passed on")
    settings.ALLOWED_HOSTS = ["sho.example.com"]
    assert site.ask("/", HTTP_HOST="sho.example.com") == ("200", "passed on")


def test_a_link_that_is_over_leads_on_or_says_so(site: Site, acme: Workspace) -> None:
    past = timezone.now() - timedelta(minutes=1)
    over = make_link(acme, expires_at=past)
    status, body = site.ask(f"/{over.code}")
    assert status == "410"
    assert "This link is over." in body
    assert [hit["is_over"] for hit in site.hits.added] == [True]
    moved = make_link(acme, "Moved", expires_at=past, expired_url="https://example.com/next")
    assert site.ask(f"/{moved.code}") == ("302", "https://example.com/next")
    later = make_link(acme, "Later", expires_at=timezone.now() + timedelta(hours=1))
    assert site.ask(f"/{later.code}") == ("302", "https://example.com/sale")
    assert [hit["is_over"] for hit in site.hits.added] == [True, False, False]


def test_a_disabled_link_leads_on_whoever_was_sent_it(site: Site, dispatch: Dispatch, code: str) -> None:
    link = Link.objects.get(name="Sale")
    set_link_enabled(link=link, enabled=False, actor=Actor())
    assert site.ask(f"/{code}") == ("302", "https://example.com/sale")
    assert site.ask(f"/{link.code}")[0] == "404"


def later(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    now = time.monotonic()
    monkeypatch.setattr(lookup_module.time, "monotonic", lambda: now + seconds)


def test_a_mended_address_counts_within_seconds(
    site: Site, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.ask(f"/{code}")
    change_link(link=Link.objects.get(name="Sale"), actor=Actor(), url="https://example.com/new")
    later(monkeypatch, 11)
    assert site.ask(f"/{code}") == ("302", "https://example.com/new")


def refuse(*_args: Any) -> None:
    raise OperationalError("away")


@pytest.fixture
def away(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], None]]:
    """Called, the database is away."""

    def begin() -> None:
        for name in ("_dispatch_of", "_target_of", "_own_target", "_own_url_of", "_short_domains"):
            monkeypatch.setattr(lookup_module, name, refuse)
        later(monkeypatch, 10_000)

    yield begin


def test_while_the_database_is_away_what_was_asked_lately_is_led_on(
    site: Site, code: str, away: Callable[[], None]
) -> None:
    site.ask(f"/{code}")
    away()
    assert site.ask(f"/{code}") == ("302", "https://example.com/sale")
    assert len(site.hits.added) == 2


def test_while_the_database_is_away_others_are_asked_to_wait_and_noted(
    site: Site, dispatch: Dispatch, code: str, away: Callable[[], None]
) -> None:
    site.ask(f"/{code}")
    away()
    status, body = site.ask(f"/{code_of(messages_of(dispatch)[1])}")
    assert status == "503"
    assert "One moment" in body
    assert len(site.hits.added) == 2


def test_the_second_try_of_that_page_is_no_second_visit(
    site: Site, dispatch: Dispatch, code: str, away: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(lookup_module, "_target_of", refuse)
        assert site.ask(f"/{code}.")[0] == "503"
    path, _mark, query = site.headers["Refresh"].removeprefix("3; url=").partition("?")
    assert site.ask(path, QUERY_STRING=query) == ("302", "https://example.com/sale")
    # One visit: whoever applies the second finds the first, see test_hits.py.
    first, second = (hit["uid"] for hit in site.hits.added)
    assert first == second != ""


def test_nobody_visits_unseen_by_way_of_a_retry(
    site: Site, dispatch: Dispatch, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(lookup_module, "_target_of", refuse)
        site.ask(f"/{code}")
    kept = site.hits.added[0]["uid"]
    query = site.headers["Refresh"].partition("?")[2]
    other = code_of(messages_of(dispatch)[1])
    with monkeypatch.context() as patch:
        later = time.time() + retry.GIVEN_SECONDS + 1
        patch.setattr(redirect_module.time, "time", lambda: later)
        site.ask(f"/{code}", QUERY_STRING=query)
    for asked in (
        {"path": f"/{code}", "QUERY_STRING": "again"},
        {
            "path": f"/{code}",
            "QUERY_STRING": f"again={int(time.time() * 1000):x}-{int(time.time() * 1000):x}-{kept}",
        },
        {"path": f"/{other}", "QUERY_STRING": query},
        {"path": f"/{code}", "QUERY_STRING": query, "REMOTE_ADDR": "203.0.113.8"},
        {"path": f"/{code}", "QUERY_STRING": query, "agent": WINDOWS},
        {"path": f"/{code}", "QUERY_STRING": query, "method": "HEAD"},
    ):
        assert site.ask(**asked)[0] == "302"
    assert [hit["uid"] for hit in site.hits.added] == [kept, *[""] * 7]


def test_a_long_outage_makes_one_visit_of_all_tries(
    site: Site, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, query = time.time(), ""
    with monkeypatch.context() as patch:
        patch.setattr(lookup_module, "_target_of", refuse)
        for each in range(5):
            patch.setattr(redirect_module.time, "time", lambda at=now + 50 * each: at)
            assert site.ask(f"/{code}", QUERY_STRING=query)[0] == "503"
            query = site.headers["Refresh"].partition("?")[2]
    assert len({hit["uid"] for hit in site.hits.added}) == 1


def test_an_own_address_is_gone_with_its_person(site: Site, acme: Workspace, dispatch: Dispatch) -> None:
    """In every process, at once."""
    message = messages_of(dispatch)[0]
    DispatchLink.objects.create(dispatch=dispatch, entry=3, use=LinkUse.CALLBACK)
    OwnUrl.objects.create(message_id=message.pk, url="https://example.com/ann")
    code, another = code_of(message, 3), Site()
    for each in (site, another):
        assert each.ask(f"/{code}") == ("302", "https://example.com/ann")
    erase_number(workspace=acme, msisdn=message.msisdn, reason="asked by letter", actor=Actor())
    # Written by whoever was handing the text over at that moment.
    OwnUrl.objects.create(message_id=message.pk, url="https://example.com/ann")
    for each in (site, another):
        assert each.ask(f"/{code}")[0] == "404"
        assert len(each.hits.added) == 1


def test_behind_a_proxy_its_word_counts(site: Site, code: str, settings: Any) -> None:
    forwarded = {"HTTP_X_FORWARDED_FOR": "10.0.0.1, 198.51.100.9"}
    site.ask(f"/{code}", **forwarded)
    settings.BEHIND_PROXY = True
    site.ask(f"/{code}", **forwarded)
    assert [hit["address"] for hit in site.hits.added] == ["203.0.113.7", "198.51.100.9"]


def test_the_unsubscribe_page_answers_under_every_name(site: Site, settings: Any) -> None:
    assert site.ask("/o/AbCd1234", HTTP_HOST="sho.example.com") == ("200", "passed on")
    assert site.ask("/o/test", HTTP_HOST="sho.example.com") == ("200", "passed on")
    assert site.seen["HTTP_HOST"] == settings.PUBLIC_URL.partition("://")[2]
