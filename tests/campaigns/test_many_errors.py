"""A text of nothing but wrong tokens is answered as quickly as any, and says how many there are."""

from __future__ import annotations

import pytest
from django.test import Client

from accounts.access import Actor
from campaigns.models import Broadcast
from campaigns.services.checks import launch_checks
from campaigns.services.drafts import save_draft
from campaigns.services.estimate import estimate_of
from messaging.content import ERRORS_SHOWN
from messaging.tokens import MEANT_MOST, compile_text
from tests.campaigns.test_composer_pages import form_of

pytestmark = pytest.mark.django_db

TEXTS = ["{{" * 50_000, "{" * 100_000, "{{a}}" * 20_000, "\n{{x" * 25_000]
# Of a page: the text itself stands in it thrice.
MOST_BYTES = 1_000_000


@pytest.fixture(params=TEXTS, ids=["opened", "single", "unknown", "lines"])
def wrong(request: pytest.FixtureRequest, draft: Broadcast, actor: Actor) -> Broadcast:
    return save_draft(broadcast=draft, actor=actor, version=draft.version, changes={"text": request.param})


def test_the_first_ones_are_told_and_the_others_counted(wrong: Broadcast) -> None:
    checks = launch_checks(wrong, estimate_of(wrong))
    count = len(compile_text(wrong.text, columns=()).errors)
    assert len([check for check in checks if check.code == "token"]) == ERRORS_SHOWN
    [more] = [str(check.sentence) for check in checks if check.code == "more_tokens"]
    assert more == f"{count - ERRORS_SHOWN:,} more tokens are wrong."


def test_the_pages_stay_small(wrong: Broadcast, bob_client: Client) -> None:
    edit = bob_client.get(f"/broadcasts/{wrong.pk}/edit/")
    assert len(edit.content) < MOST_BYTES
    assert "further errors." in edit.content.decode()
    assert len(bob_client.get(f"/broadcasts/{wrong.pk}/review/").content) < MOST_BYTES
    saved = bob_client.post(
        f"/broadcasts/{wrong.pk}/edit/", form_of(wrong), headers={"accept": "application/json"}
    )
    assert len(saved.json()["token_errors"]) == ERRORS_SHOWN
    assert "further errors." in saved.json()["more_token_errors"]


def test_what_was_meant_is_looked_for_a_bounded_number_of_times() -> None:
    names = [f"frist_name{n}" for n in range(MEANT_MOST + 30)]
    errors = compile_text("".join(f"{{{{{name}}}}}" for name in names), columns=()).errors
    meant = ["did you mean" in error.sentence for error in errors]
    assert meant == [True] * MEANT_MOST + [False] * 30
