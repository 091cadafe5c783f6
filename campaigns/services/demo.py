"""The demo workspace of a fresh installation: something to look at and to send, all of it through the sandbox."""

from __future__ import annotations

from accounts.access import Actor
from accounts.models import User, Workspace
from accounts.services import is_empty_system, set_up
from campaigns.services.campaigns import create_campaign
from campaigns.services.drafts import create_draft, save_draft
from contacts.models import RecipientList
from contacts.services.lists import Person, add_recipients, create_list
from messaging.models import Sender
from messaging.senders import create_sender
from sms.examples import example_msisdns

PEOPLE = 240
SENDER_NUMBER = "12025550100"
SENDER_NAME = "Northwind"
FIRST_NAMES = (
    *("Maya", "Zoë", "Ahmad", "Ines", "Tomás", "Chloe", "Kofi", "Hana", "Lars", "Priya"),
    *("Noah", "Aisha", "Mateo", "Yuki", "Elena", "Omar", "Freya", "Diego", "Amara", "Jonas"),
)
LAST_NAMES = (
    "Okafor",
    "Lindqvist",
    "Rahimi",
    "Moreau",
    "Silva",
    "Novak",
    "Tanaka",
    "Murphy",
    "Costa",
    "Weber",
)
TOWNS = ("Oakland", "Newark", "Austin", "Portland", "Denver", "Savannah")
TEXT = (
    "Hi {{first_name|there}}, our autumn sale opens for members today: 25% off knitwear until Sunday, also at our shop"
    " in {{town|your town}}.\n\nNorthwind. Reply STOP to opt out"
)


def make_demo(*, workspace_name: str, email: str, password: str) -> Workspace | None:
    """On an empty system: a workspace with its owner, sandbox accounts, people, senders and a draft; else None."""
    if not is_empty_system():
        return None
    workspace, owner = set_up(
        workspace_name=workspace_name,
        email=email,
        password=password,
        time_zone="America/New_York",
        wants_sandbox=True,
    )
    User.objects.filter(pk=owner.pk).update(name="Demo Owner")
    actor = Actor(user=owner)
    sender = _senders(workspace, actor)
    members = _members(workspace, actor)
    _draft(workspace, actor, members, sender)
    return workspace


def _senders(workspace: Workspace, actor: Actor) -> Sender:
    """A number, which every vendor takes; a name only where the vendor takes names."""
    names = [account for account in workspace.provider_accounts.all() if account.vendor == "messagewhiz"]
    create_sender(workspace=workspace, actor=actor, value=SENDER_NAME, accounts=names)
    return create_sender(workspace=workspace, actor=actor, value=SENDER_NUMBER)


def _members(workspace: Workspace, actor: Actor) -> RecipientList:
    members = create_list(workspace=workspace, actor=actor, name="Members")
    people = [
        Person(
            msisdn=f"+{msisdn}",
            fields={
                "first_name": FIRST_NAMES[number % len(FIRST_NAMES)],
                "last_name": LAST_NAMES[number // 3 % len(LAST_NAMES)],
                "email": f"person{number}@example.com",
            },
            extra={"town": TOWNS[number % len(TOWNS)]},
        )
        for number, msisdn in enumerate(example_msisdns(PEOPLE))
    ]
    add_recipients(recipient_list=members, people=people, actor=actor)
    return members


def _draft(workspace: Workspace, actor: Actor, members: RecipientList, sender: Sender) -> None:
    campaign = create_campaign(workspace=workspace, actor=actor, name="Autumn 2026", is_default=True)
    account = workspace.provider_accounts.order_by("id").first()
    draft = create_draft(workspace=workspace, actor=actor, name="Autumn sale, early access")
    changes = {
        "campaign_id": campaign.pk,
        "list_ids": [members.pk],
        "sender_id": sender.pk,
        "account_id": account.pk if account else None,
        "text": TEXT,
    }
    save_draft(broadcast=draft, actor=actor, version=draft.version, changes=changes)
