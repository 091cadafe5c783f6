"""A draft to thirty people, and how it is launched and planned without a worker."""

from __future__ import annotations

from typing import Any

from accounts.access import Actor
from accounts.models import Workspace
from campaigns.models import Broadcast
from campaigns.services.drafts import create_draft, save_draft
from campaigns.services.estimate import estimate_of
from campaigns.services.launch import launch, remember_estimate
from campaigns.services.planning import plan_segment
from contacts.models import RecipientList
from tests.engine.makers import make_account, make_list, make_sender

TEXT = "Hi {{first_name}}, 25% off. Reply STOP to opt out"
PEOPLE = 30


def make_draft(
    workspace: Workspace, actor: Actor, people: RecipientList | None = None, **account: Any
) -> Broadcast:
    """`account`: fields of the provider account, such as base_url."""
    through, sender = make_account(workspace, **account), make_sender(workspace)
    broadcast = create_draft(workspace=workspace, actor=actor, name="Autumn sale")
    changes = {
        "list_ids": [(people or make_list(workspace, PEOPLE)).pk],
        "account_id": through.pk,
        "sender_id": sender.pk,
        "text": TEXT,
    }
    return save_draft(broadcast=broadcast, actor=actor, version=broadcast.version, changes=changes)


def send(broadcast: Broadcast, actor: Actor, *, plan: bool = True, **options: Any) -> Broadcast:
    """Launched with the present estimate, and planned unless asked not to."""
    estimate = estimate_of(broadcast)
    remember_estimate(broadcast=broadcast, estimate=estimate)
    launched = launch(
        broadcast=broadcast,
        actor=actor,
        launch_token=broadcast.launch_token,
        digest=estimate.digest,
        **options,
    )
    for segment in launched.segments.all() if plan else []:
        plan_segment(segment_id=segment.pk)
    launched.refresh_from_db()
    return launched
