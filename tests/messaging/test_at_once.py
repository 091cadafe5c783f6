"""Many requests at the same moment: limits hold, and copies find names."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from django.db import connection, connections

from accounts.access import Actor
from accounts.models import Workspace
from messaging import copies
from messaging.copies import make_copy
from messaging.errors import MessagingError
from messaging.links.links import (
    create_link,
    create_link_list,
    duplicate_link,
    duplicate_link_list,
)
from messaging.models import Link, LinkList, Template, WebhookDelivery, WebhookEndpoint, WordSpinner
from messaging.sender_lists import create_sender_list, duplicate_sender_list
from messaging.senders import create_sender
from messaging.texts.spinners import create_spinner, duplicate_spinner
from messaging.texts.templates import create_template, duplicate_template
from messaging.webhooks.endpoints import MOST_ENABLED, create_endpoint, send_test, set_endpoint_enabled

pytestmark = pytest.mark.django_db(transaction=True)
TOGETHER = 6


def at_once(*calls: Callable[[], object]) -> list[str]:
    """What each was refused with, "" for none."""
    if connection.vendor == "sqlite":
        pytest.skip("One writer at a time: there is no race")
    together, refused = threading.Barrier(len(calls)), [""] * len(calls)

    def run(number: int, call: Callable[[], object]) -> None:
        try:
            together.wait()
            call()
        except Exception as error:
            refused[number] = error.code if isinstance(error, MessagingError) else repr(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=each) for each in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(refused)


def hook(workspace: Workspace, number: int) -> WebhookEndpoint:
    url = f"https://example.com/{number}"
    return create_endpoint(workspace=workspace, actor=Actor(), url=url).endpoint


def test_the_last_place_for_a_webhook_is_taken_once(acme: Workspace) -> None:
    for number in range(MOST_ENABLED - 1):
        hook(acme, number)
    refused = at_once(*(lambda number=number: hook(acme, 100 + number) for number in range(TOGETHER)))
    assert refused == ["", *["too_many"] * (TOGETHER - 1)]
    assert WebhookEndpoint.objects.filter(enabled=True).count() == MOST_ENABLED


def test_enabling_takes_the_last_place_once(acme: Workspace) -> None:
    disabled = []
    for number in range(TOGETHER):
        disabled.append(set_endpoint_enabled(endpoint=hook(acme, number), actor=Actor(), enabled=False))
    for number in range(MOST_ENABLED - 1):
        hook(acme, 100 + number)
    refused = at_once(
        *(lambda one=one: set_endpoint_enabled(endpoint=one, actor=Actor(), enabled=True) for one in disabled)
    )
    assert refused == ["", *["too_many"] * (TOGETHER - 1)]
    assert WebhookEndpoint.objects.filter(enabled=True).count() == MOST_ENABLED


def test_of_many_test_events_one_waits(acme: Workspace) -> None:
    endpoint = hook(acme, 1)
    refused = at_once(*[lambda: send_test(endpoint=endpoint, actor=Actor())] * TOGETHER)
    assert refused == ["", *["test_waits"] * (TOGETHER - 1)]
    assert WebhookDelivery.objects.count() == 1


def test_copies_at_once_have_names_of_their_own(acme: Workspace) -> None:
    actor = Actor()
    template = create_template(workspace=acme, actor=actor, name="Sale", text="Hello")
    spinner, _merged = create_spinner(workspace=acme, actor=actor, name="Sale", words=[("Hi", 1), ("Hey", 1)])
    link = create_link(workspace=acme, actor=actor, name="Sale", url="https://example.com/")
    link_list = create_link_list(workspace=acme, actor=actor, name="Sale", links=[link])
    sender = create_sender(workspace=acme, actor=actor, value="SHOP")
    senders = create_sender_list(workspace=acme, actor=actor, name="Sale", senders=[sender])
    calls: list[Callable[[], object]] = [
        lambda: duplicate_template(template=template, actor=actor),
        lambda: duplicate_spinner(spinner=spinner, actor=actor),
        lambda: duplicate_link(link=link, actor=actor),
        lambda: duplicate_link_list(link_list=link_list, actor=actor),
        lambda: duplicate_sender_list(sender_list=senders, actor=actor),
    ]
    for call in calls:
        assert at_once(*[call] * TOGETHER) == [""] * TOGETHER
    for model in (Template, WordSpinner, Link, LinkList):
        assert model._default_manager.count() == TOGETHER + 1


def test_a_name_that_a_person_takes_meanwhile_is_no_obstacle(acme: Workspace) -> None:
    names = iter(["Copy of Sale", "Copy of Sale", "Copy of Sale 2"])
    create_template(workspace=acme, actor=Actor(), name="Copy of Sale", text="By hand")

    def make() -> Template:
        return create_template(workspace=acme, actor=Actor(), name=next(names), text="Hello")

    assert make_copy(acme, make).name == "Copy of Sale 2"


def test_after_some_tries_the_refusal_is_told(acme: Workspace) -> None:
    tries = []

    def make() -> Template:
        tries.append(1)
        raise MessagingError("Taken.", field="name", code="name_taken")

    with pytest.raises(MessagingError, match=r"Taken\."):
        make_copy(acme, make)
    assert len(tries) == copies.TRIES
