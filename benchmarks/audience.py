"""Pages of the audience over a million people and over ten thousand: server time through the whole of Django.

Filters and searches are such that a whole window of people is looked through. On SQLite the same in two files.
Answers: all that a page asks for, one request after the other, until what was sought stands there.
"""

from __future__ import annotations

import html
import re
import shutil
import statistics
from collections.abc import Callable, Iterator
from pathlib import Path

from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from accounts.models import Workspace
from benchmarks import ground
from benchmarks.databases import SMALL, Server, server_url
from benchmarks.pages import Site, signed_in
from benchmarks.results import Plan, Result, of_figures, of_pairs, seconds_of
from contacts.models import Import, ImportState, OptOut, RecipientList

OPTED_OUT_SHARE = 5  # every fifth
WRITTEN_TO_SHARE = 4
SMALL_PEOPLE = 10_000
IMPORTS_SHARE = 100  # one for so many people
ANSWERS_REPEATS = 3
# What a page, or a part of it, asks for by itself once it is shown.
_ASKED_FOR = re.compile(r'hx-get="([^"]+)" hx-trigger="load')


class Place(Site):
    """With its people."""

    def __init__(self, name: str, people: int) -> None:
        super().__init__(name)
        workspace = ground.make_workspace()
        self.list = ground.make_list(workspace, people, name="Members", mixed=True)
        ground.opt_out_some(workspace, people // OPTED_OUT_SHARE, start=0, step=OPTED_OUT_SHARE)
        write_imports(workspace, self.list, people // IMPORTS_SHARE)
        write_messages(workspace, self.list)
        self.number = (
            OptOut.objects.filter(msisdn__gt="12255").order_by("msisdn").values_list("msisdn", flat=True)[0]
        )
        self._client = signed_in(workspace)

    def answer(self, address: str) -> None:
        """Until nothing more is asked for."""
        waiting = [address]
        while waiting:
            page = self._client.get(waiting.pop(), headers={"HX-Request": "true"}).content.decode()
            waiting += [html.unescape(more) for more in _ASKED_FOR.findall(page)]


def _on_list(query: str, page: str = "") -> Callable[[Place], str]:
    return lambda place: f"/lists/{place.list.pk}/{page}?{query}"


_CITY = "field=extra:city&operator=is&value=City+77"
PAGES: dict[str, Callable[[Place], str]] = {
    "list": _on_list(""),
    "prefix": _on_list("q=1+212"),
    "name": _on_list("q=son77"),
    "nobody": _on_list("q=zzyzx"),
    "field": _on_list("field=first_name&operator=contains&value=zzyzx"),
    "column": _on_list(_CITY),
    "opted_out": _on_list("field=opted_out&operator=is&value=yes&field=first_name&operator=is&value=Zoe"),
    "count": _on_list(f"{_CITY}&kind=remove", "jobs/new/"),
    "number": lambda place: f"/numbers/{place.number}/",
    "opt_outs": lambda place: "/opt-outs/",
    "opt_out_search": lambda place: "/opt-outs/?q=1+2",
    "imports": lambda place: "/imports/",
}

ANSWERS: dict[str, Callable[[Place], str]] = {
    "name": _on_list("q=son77777"),
    "one": _on_list("q=person9999%40"),
    "nobody": _on_list("q=zzyzx"),
    "column": _on_list(_CITY),
    "count": _on_list(f"{_CITY}&whole=1", "people/count/"),
}


def run(plan: Plan) -> Iterator[Result]:
    call_command("collectstatic", interactive=False, verbosity=0)
    big_name, small_name = str(connection.settings_dict["NAME"]), _another_database()
    big, small = Place(big_name, plan.size(1_000_000, 30_000)), Place(small_name, SMALL_PEOPLE)
    slowest = [0.0] * plan.runs
    all_wanted = plan.wants(f"audience_slowest.{connection.vendor}")
    for page, address in PAGES.items():
        name = f"audience_flat.{connection.vendor}.{page}"
        if not (all_wanted or plan.wants(name)):
            continue
        pairs = [(big.milliseconds(address), small.milliseconds(address)) for _ in range(plan.runs)]
        slowest = [max(pair[0], before) for pair, before in zip(pairs, slowest, strict=True)]
        if plan.wants(name):
            yield of_pairs(name, "ms", pairs)
    if all_wanted:
        yield of_figures(f"audience_slowest.{connection.vendor}", "ms", slowest)
    yield from _answers(plan, big)
    connection.close()


def _answers(plan: Plan, place: Place) -> Iterator[Result]:
    place.use()
    for page, address in ANSWERS.items():
        name = f"audience_answer.{connection.vendor}.{page}"
        if plan.wants(name):
            yield of_figures(name, "ms", [_milliseconds_of_answer(place, address) for _ in range(plan.runs)])


def _milliseconds_of_answer(place: Place, address: Callable[[Place], str]) -> float:
    return statistics.median(
        seconds_of(lambda: place.answer(address(place))) * 1000 for _ in range(ANSWERS_REPEATS)
    )


def _another_database() -> str:
    """Empty, with all tables, beside the one of this run."""
    if connection.vendor == "postgresql":
        Server(server_url()).make_copy(SMALL)
        return SMALL
    connection.close()  # which writes its journal into the file
    blank = Path(str(connection.settings_dict["NAME"]))
    return str(shutil.copy(blank, blank.with_name("small.sqlite3")))


def write_imports(workspace: Workspace, members: RecipientList, count: int) -> None:
    Import.objects.bulk_create(
        Import(
            workspace=workspace,
            list=members,
            state=ImportState.FINISHED,
            file_name=f"people{number}.csv",
            done_rows=1000,
            total_rows=1000,
            counts={"new": 1000},
            started_at=timezone.now(),
            finished_at=timezone.now(),
        )
        for number in range(count)
    )


def write_messages(workspace: Workspace, members: RecipientList) -> None:
    """As an old broadcast left them, to some of the people."""
    account = ground.make_account(workspace, "https://vendor.example.com", in_flight=64)
    broadcast = ground.make_broadcast(workspace, account, [members])
    dispatch = broadcast.segments.select_related("dispatch").get().dispatch
    with connection.cursor() as cursor:
        cursor.execute(
            _MESSAGES,
            [
                workspace.pk,
                dispatch.pk,
                broadcast.pk,
                account.pk,
                ground.SENDER,
                members.pk,
                WRITTEN_TO_SHARE,
            ],
        )
    ground.analyze("messaging_message", "contacts_import", "contacts_recipient")


_MESSAGES = """
INSERT INTO messaging_message
    (workspace_id, dispatch_id, broadcast_id, account_id, sender, state, reason, recipient_id, msisdn, text, parts,
     price, words, provider_message_id, tries, claim, history, created_at, submitted_at, settled_at, changed_at)
SELECT %s, %s, %s, %s, %s, 'delivered', '', r.id, r.msisdn, 'Hi ' || r.first_name, 1,
       0.0079, '', 'stand-in-' || r.id, 1, '', '[]',
       CURRENT_TIMESTAMP, CURRENT_TIMESTAMP, CURRENT_TIMESTAMP, CURRENT_TIMESTAMP
FROM contacts_recipient r WHERE r.list_id = %s AND r.id %% %s = 0
"""
