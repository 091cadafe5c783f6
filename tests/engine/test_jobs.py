"""What is read of a recipient for a text."""

from __future__ import annotations

import pytest

from accounts.models import Workspace
from contacts.models import RecipientList
from messaging.content import compile_content
from messaging.engine.jobs import recipient_values
from tests.engine.makers import make_list

pytestmark = pytest.mark.django_db


@pytest.fixture
def people(acme: Workspace) -> RecipientList:
    people = make_list(acme, 3)
    people.columns = ["town"]
    people.save()
    first, second, _third = people.recipients.order_by("id")
    first.extra = {"town": "Łódź", "shoe": "42"}
    first.save()
    second.custom1 = "gold"
    second.save()
    return people


def test_reads_what_the_text_uses(people: RecipientList) -> None:
    ids = list(people.recipients.order_by("id").values_list("id", flat=True))
    content = compile_content(people.workspace_id, "{{first_name}} {{custom1}} {{town|there}}")
    assert recipient_values(ids[:2], content.uses) == {
        ids[0]: {"first_name": "Person 0", "custom1": "", "town": "Łódź"},
        ids[1]: {"first_name": "Person 1", "custom1": "gold", "town": ""},
    }


def test_leaves_out_who_is_gone(people: RecipientList) -> None:
    first, second, third = people.recipients.order_by("id")
    first.delete()
    content = compile_content(people.workspace_id, "{{first_name}}")
    found = recipient_values([first.pk or 0, second.pk, third.pk], content.uses)
    assert found == {second.pk: {"first_name": "Person 1"}, third.pk: {"first_name": "Person 2"}}


def test_asks_nothing_of_nobody(people: RecipientList) -> None:
    assert recipient_values([], {"town"}) == {}
