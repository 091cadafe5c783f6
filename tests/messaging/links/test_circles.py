"""No link leads from Crier to Crier: asked when it is saved, when a domain is set, and again at launch."""

from __future__ import annotations

from typing import Any

import pytest

from accounts import services
from accounts.access import Actor
from accounts.errors import AccountsError
from accounts.models import Workspace
from messaging.content import compile_content
from messaging.errors import MessagingError
from messaging.links.links import create_link, create_link_list
from messaging.models import Link
from tests.messaging.links.makers import make_link

DOMAIN = "https://sho.example.net"


def set_domain(workspace: Workspace, domain: str = DOMAIN) -> Workspace:
    return services.update_workspace(workspace=workspace, actor=Actor(), short_domain=domain)


def link_to(workspace: Workspace, url: str) -> Link:
    return create_link(workspace=workspace, actor=Actor(), name="Round", url=url)


@pytest.mark.parametrize(
    "url", [f"{DOMAIN}/x", "https://SHO.example.net:443/x", "https://ｓho。example.net/x"]
)
def test_no_link_leads_to_a_short_domain_of_any_workspace(
    acme: Workspace, other: Workspace, url: str
) -> None:
    set_domain(other)
    with pytest.raises(MessagingError, match="back to Crier itself"):
        link_to(acme, url)


@pytest.mark.parametrize("name", ["url", "bot_redirect", "preview_url", "expired_url"])
def test_no_domain_is_set_that_a_link_of_the_workspace_leads_to(acme: Workspace, name: str) -> None:
    make_link(acme, **({name: f"{DOMAIN}/x"} if name != "url" else {}))
    if name == "url":
        link_to(acme, f"{DOMAIN}/x")
    with pytest.raises(AccountsError, match=f"leads to {DOMAIN}/x") as refused:
        set_domain(acme, f"{DOMAIN}:8443")
    assert refused.value.field == "short_domain"
    acme.refresh_from_db()
    assert acme.short_domain == ""


def test_names_that_only_hold_it_are_no_reason(acme: Workspace) -> None:
    link_to(acme, "https://my.sho.example.net/?next=https://sho.example.net/")
    assert set_domain(acme).short_domain == DOMAIN


def test_links_of_another_workspace_are_refused_at_launch(acme: Workspace, other: Workspace) -> None:
    """They keep nobody from a domain of their own."""
    link = link_to(other, f"{DOMAIN}/x")
    link_list = create_link_list(workspace=other, actor=Actor(), name="Rounds", links=[link])
    set_domain(acme)
    for token in (f"{{{{link:{link.pk}}}}}", f"{{{{link_list:{link_list.pk}}}}}"):
        errors = compile_content(other.pk, f"Go {token}").errors
        assert len(errors) == 1
        assert "“Round” cannot be sent" in errors[0].sentence
        assert "back to Crier itself" in errors[0].sentence


def test_what_is_no_public_address_any_more_is_refused_at_launch(acme: Workspace) -> None:
    link = make_link(acme)
    Link.objects.filter(pk=link.pk).update(url="http://10.0.０。１/")
    errors = compile_content(acme.pk, f"{{{{link:{link.pk}}}}}").errors
    assert "private network" in errors[0].sentence


@pytest.mark.parametrize(
    "url", [f"{DOMAIN}/x", "https://ｓho.example.net/", "http://127.0.０。１/", "http://x.corp/"]
)
def test_a_recipients_own_address_is_held_to_the_same(acme: Workspace, other: Workspace, url: str) -> None:
    set_domain(other)
    content = compile_content(acme.pk, "Yours: {{shorten_url}}")
    assert content.own_url({"url": url}) == ""
    assert content.render({"url": url}, seed=1, message_id=1) == "Yours: "


def test_a_recipients_own_address_is_asked_of_the_database_once(
    acme: Workspace, django_assert_num_queries: Any
) -> None:
    content = compile_content(acme.pk, "Yours: {{shorten_url}}")
    with django_assert_num_queries(0):
        for number in range(5):
            assert content.own_url({"url": f"https://bücher.example/{number}"}) == (
                f"https://xn--bcher-kva.example/{number}"
            )
