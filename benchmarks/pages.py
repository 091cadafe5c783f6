"""Pages at a million rows and at a thousand: server time through the whole of Django, two databases in turns."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from django.core.management import call_command
from django.db import connection
from django.test import Client

from accounts.models import Membership, Role, User, Workspace
from benchmarks import ground
from benchmarks.databases import SMALL, Server, server_url
from benchmarks.results import Plan, Result, measure_pairs, seconds_of
from campaigns.models import Broadcast
from contacts.models import RecipientList

# So many broadcasts stand in the list: more than one page.
OTHERS = 40
PEOPLE_OF_OTHERS = 10
REPEATS = 15
# As a broadcast of some days ago stands: of 20 messages so many in each state.
STATES = (("delivered", "", 15), ("undelivered", "absent", 2), ("sent", "", 2), ("failed", "bad_number", 1))


class Site:
    """One database, which `use` connects to, and a signed-in browser."""

    _client: Client

    def __init__(self, name: str) -> None:
        self._name = name
        self.use()

    def use(self) -> None:
        connection.close()
        connection.settings_dict["NAME"] = self._name

    def milliseconds(self, address: Callable[[Any], str]) -> float:
        """Of a page whose caches, if it has any, are warm: the median of several. `address`: of this site."""
        self.use()
        self._get(address(self))
        return statistics.median(seconds_of(lambda: self._get(address(self))) * 1000 for _ in range(REPEATS))

    def _get(self, url: str) -> None:
        answer = self._client.get(url)
        if answer.status_code != 200:
            raise AssertionError(f"{url} answered {answer.status_code}, not a page.")


class Ground(Site):
    """With its people and its big broadcast."""

    def __init__(self, name: str, people: int) -> None:
        super().__init__(name)
        workspace = ground.make_workspace()
        account = ground.make_account(workspace, "https://vendor.example.com", in_flight=64)
        few = ground.make_list(workspace, PEOPLE_OF_OTHERS, name="Few")
        for number in range(OTHERS):
            ground.plan(ground.make_broadcast(workspace, account, [few], name=f"Broadcast {number}"))
        self.people = ground.make_list(workspace, people, name="Many")
        self.broadcast = ground.make_broadcast(workspace, account, [self.people], name="To all")
        write_settled_messages(self.broadcast, self.people)
        self._client = signed_in(workspace)


PAGES: dict[str, Callable[[Ground], str]] = {
    "page_flat.broadcasts": lambda place: "/broadcasts/",
    "page_flat.report": lambda place: f"/broadcasts/{place.broadcast.pk}/",
    "page_flat.people": lambda place: f"/lists/{place.people.pk}/",
}


def run(plan: Plan) -> Iterator[Result]:
    call_command("collectstatic", interactive=False, verbosity=0)
    Server(server_url()).make_copy(SMALL)
    big = Ground(str(connection.settings_dict["NAME"]), plan.size(1_000_000, 100_000))
    small = Ground(SMALL, 1000)
    for name, address in PAGES.items():
        if plan.wants(name):
            big_page, small_page = partial(big.milliseconds, address), partial(small.milliseconds, address)
            yield measure_pairs(name, "ms", plan.runs, big_page, small_page)
    connection.close()


def signed_in(workspace: Workspace) -> Client:
    user = User.objects.create_user("alice@example.com", None, name="Alice")
    Membership.objects.create(workspace=workspace, user=user, role=Role.OWNER)
    client = Client(SERVER_NAME="localhost")
    client.force_login(user)
    return client


def write_settled_messages(broadcast: Broadcast, people: RecipientList) -> None:
    """The ledger as sending leaves it, with its counters. (Sending a million would take minutes.)"""
    segment = broadcast.segments.select_related("dispatch").get()
    dispatch = segment.dispatch
    total = sum(share for _state, _reason, share in STATES)
    with connection.cursor() as cursor:
        begin = 0
        for state, reason, share in STATES:
            cursor.execute(
                _MESSAGES,
                [
                    *(
                        broadcast.workspace_id,
                        dispatch.pk,
                        broadcast.pk,
                        dispatch.account_id,
                        dispatch.sender,
                    ),
                    *(state, reason, people.pk, total, begin, begin + share),
                ],
            )
            cursor.execute(_COUNT, [dispatch.pk, state, reason, cursor.rowcount])
            cursor.execute(_MINUTES, [dispatch.pk, state, cursor.rowcount])
            begin += share
        cursor.execute("UPDATE messaging_dispatch SET state = 'finished' WHERE id = %s", [dispatch.pk])
        cursor.execute("UPDATE campaigns_segment SET planned_at = now() WHERE id = %s", [segment.pk])
        cursor.execute("UPDATE campaigns_broadcast SET state = 'finished' WHERE id = %s", [broadcast.pk])
    ground.analyze("messaging_message", "contacts_recipient", "campaigns_broadcast", "messaging_dispatch")


_MESSAGES = """
INSERT INTO messaging_message
    (workspace_id, dispatch_id, broadcast_id, account_id, sender, state, reason, recipient_id, msisdn, text, parts,
     price, words, provider_message_id, tries, claim, history, created_at, submitted_at, settled_at, changed_at)
SELECT %s, %s, %s, %s, %s, %s, %s, r.id, r.msisdn, 'Hi ' || r.first_name, 1,
       0.0079, '', 'stand-in-' || r.id, 1, '', '[]', now(), now(), now(), now()
FROM contacts_recipient r WHERE r.list_id = %s AND r.id %% %s BETWEEN %s AND %s - 1
"""
_COUNT = "INSERT INTO messaging_messagecount (dispatch_id, state, reason, count) VALUES (%s, %s, %s, %s)"
_MINUTES = (
    "INSERT INTO messaging_messageminute (dispatch_id, minute, state, count)"
    " VALUES (%s, date_trunc('minute', now()), %s, %s)"
)
