"""A draft to thirty people, and the same launched and planned; nothing is sent anywhere."""

from __future__ import annotations

import pytest

from accounts.access import Actor
from accounts.models import User, Workspace
from campaigns.models import Broadcast
from contacts.models import RecipientList
from messaging.models import Message
from tests.campaigns.makers import PEOPLE, make_draft, send
from tests.engine.makers import make_list


@pytest.fixture
def actor(alice: User) -> Actor:
    return Actor(user=alice)


@pytest.fixture
def members(acme: Workspace) -> RecipientList:
    return make_list(acme, PEOPLE)


@pytest.fixture
def draft(acme: Workspace, actor: Actor, members: RecipientList) -> Broadcast:
    return make_draft(acme, actor, members)


@pytest.fixture
def running(draft: Broadcast, actor: Actor) -> Broadcast:
    return send(draft, actor)


@pytest.fixture
def message(running: Broadcast) -> Message:
    """The first of the running broadcast."""
    return Message.objects.filter(broadcast_id=running.pk).order_by("id")[0]
