"""The exact reach of an audience, as the composer shows it, against one plain count of the same rows."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks import ground
from benchmarks.results import Plan, Result, measure_pairs, seconds_of
from campaigns.services.audience import Reach, reach_of
from contacts.models import Recipient

OPTED_OUT_SHARE = 5  # every fifth


def run(plan: Plan) -> Iterator[Result]:
    people = plan.size(1_000_000, 200_000)
    opted_out = people // OPTED_OUT_SHARE
    workspace = ground.make_workspace()
    account = ground.make_account(workspace, "https://vendor.example.com", in_flight=64)
    members = ground.make_list(workspace, people)
    ground.opt_out_some(workspace, opted_out, start=0, step=OPTED_OUT_SHARE)
    broadcast = ground.make_broadcast(workspace, account, [members])
    expected = Reach(on_lists=people, opted_out=opted_out, people=people - opted_out)

    def ours() -> float:
        found: list[Reach] = []
        seconds = seconds_of(lambda: found.append(reach_of(broadcast)))
        if found != [expected]:
            raise AssertionError(f"The reach is {found[0]}; it should be {expected}.")
        return seconds

    rows = Recipient.objects.filter(list_id__in=[members.pk])
    ours(), rows.count()  # both once, so that neither pays for the other's cold pages
    yield measure_pairs("reach_seconds", "s", plan.runs, ours, lambda: seconds_of(rows.count))
