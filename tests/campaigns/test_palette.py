"""The command palette's search."""

import pytest
from django.test import Client

from accounts.access import Actor
from accounts.models import User, Workspace
from campaigns.services.drafts import create_draft
from tests.access import assert_access
from tests.engine.makers import make_list

pytestmark = pytest.mark.django_db


@pytest.fixture
def ground(acme: Workspace, other: Workspace, alice: User) -> None:
    create_draft(workspace=acme, actor=Actor(user=alice), name="Autumn sale")
    create_draft(workspace=other, actor=Actor(), name="Autumn secrets")
    make_list(acme, 3, name="Autumn members")
    make_list(other, 3, name="Autumn strangers")


def found(client: Client, words: str) -> list[str]:
    return [row["label"] for row in client.get("/palette/", {"q": words}).json()["results"]]


def test_access() -> None:
    assert_access("/palette/", viewer=200, wrong_method="post")


def test_finds_broadcasts_and_lists_of_its_own_workspace(ground: None, bob_client: Client) -> None:
    assert found(bob_client, "autumn") == ["Autumn sale", "Autumn members"]


def test_finds_a_number_by_its_beginning(ground: None, bob_client: Client) -> None:
    assert found(bob_client, "+1 (201) 555-0101") == ["+1 201-555-0101"]


def test_finds_a_number_in_national_writing(ground: None, bob_client: Client) -> None:
    for writing in ("(201) 555-0101", "2015550101", "0012015550101"):
        assert found(bob_client, writing) == ["+1 201-555-0101"]


def test_a_number_leads_to_its_page_once(ground: None, acme: Workspace, bob_client: Client) -> None:
    make_list(acme, 3, name="Winter members")
    (result,) = bob_client.get("/palette/", {"q": "12015550101"}).json()["results"]
    assert result == {"label": "+1 201-555-0101", "detail": "On 2 lists", "url": "/numbers/12015550101/"}


def test_finds_nothing_for_nothing(ground: None, bob_client: Client) -> None:
    assert found(bob_client, " ") == []
