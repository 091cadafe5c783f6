"""Sync over the API: kinds, records, links, runs and their steps."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.access import Actor
from accounts.models import AuditEntry, Workspace
from messaging.links.links import create_link
from messaging.senders import create_sender
from providers.models import ProviderAccount, RemoteRecord, SyncRun
from providers.services.sync import compare
from providers.services.sync_runner import carry_on
from tests.access import assert_access
from tests.engine.makers import make_account
from tests.people import ApiClient, api_client
from tests.providers.sync.fakes import LinkPayload, SenderPayload, Store, there

pytestmark = pytest.mark.django_db

ACTOR = Actor()
SHOP = "https://example.com/shop"


@pytest.fixture
def admin(db: None) -> ApiClient:
    return api_client("admin")


def url(account: ProviderAccount, rest: str = "") -> str:
    return f"/api/v1/provider-accounts/{account.pk}/sync/{rest}"


def two_sides(account: ProviderAccount, store: Store) -> None:
    create_sender(workspace=account.workspace, actor=ACTOR, value="Acme")
    store.put("sender", SenderPayload(name="Theirs"))
    compare(account=account, entity="sender")


def posted(client: Any, address: str, data: Any = None, status: int = 200) -> Any:
    response = client.post(address, data)
    assert response.status_code == status, response.content
    return response.json() if response.content else None


def test_it_works(keeper: ProviderAccount, store: Store, admin: ApiClient) -> None:
    create_sender(workspace=keeper.workspace, actor=ACTOR, value="Acme")
    run = posted(admin, url(keeper, "runs/"), {"what": "compare", "entities": ["sender"]}, 201)
    assert (run["state"], run["total"]) == ("waiting", 1)
    carry_on(run["id"])
    [step] = admin.get(url(keeper, f"runs/{run['id']}/steps/")).json()["results"]
    assert (step["action"], step["state"], step["counts"]) == ("compare", "done", {"local_only": 1})
    kinds = {kind["entity"]: kind for kind in admin.get(url(keeper)).json()["kinds"]}
    assert kinds["sender"]["counts"] == {
        "local_only": 1,
        "remote_only": 0,
        "same": 0,
        "differs": 0,
        "failed": 0,
    }
    dry = posted(admin, url(keeper, "runs/"), {"what": "push", "entities": ["sender"], "dry_run": True}, 201)
    assert (dry["state"], there("sender")) == ("planned", {})
    assert posted(admin, url(keeper, f"runs/{dry['id']}/confirm/"))["state"] == "waiting"
    carry_on(dry["id"])
    shown = admin.get(url(keeper, f"runs/{dry['id']}/")).json()
    assert (shown["state"], shown["done"], shown["failed"]) == ("finished", 1, 0)
    assert list(there("sender")) == ["Acme"]
    assert AuditEntry.objects.get(action="pushed to the provider").api_key == admin.api_key


def test_viewers_look_and_admins_change(keeper: ProviderAccount, store: Store) -> None:
    two_sides(keeper, store)
    run = SyncRun.objects.create(account=keeper, what="push", state="planned")
    record = RemoteRecord.objects.get(name="Acme")
    for rest in (
        "",
        "records/",
        f"records/{record.pk}/",
        "runs/",
        f"runs/{run.pk}/",
        f"runs/{run.pk}/steps/",
    ):
        assert_access(url(keeper, rest), viewer=200, wrong_method="delete")
    for rest, status in (
        (f"runs/{run.pk}/cancel/", 200),
        (f"runs/{run.pk}/again/", 409),
        (f"runs/{run.pk}/confirm/", 409),
        (f"records/{record.pk}/unlink/", 409),
    ):
        assert_access(url(keeper, rest), "post", viewer=403, marketer=403, admin=status, wrong_method="get")
    for rest in ("records/link/", "records/link-by-name/", "runs/"):
        assert_access(
            url(keeper, rest), "post", viewer=403, marketer=403, admin=400, data={"x": 1}, wrong_method="put"
        )


def test_records_with_their_difference(keeper: ProviderAccount, store: Store, admin: ApiClient) -> None:
    mine = create_link(workspace=keeper.workspace, actor=ACTOR, name="Shop", url=SHOP)
    remote_id = store.put("link", LinkPayload(name="Shop", url="https://example.com/theirs"))
    compare(account=keeper, entity="link")
    linked = posted(
        admin,
        url(keeper, "records/link/"),
        {"entity": "link", "local_id": mine.pk, "remote_id": remote_id},
    )
    compare(account=keeper, entity="link")
    shown = admin.get(url(keeper, f"records/{linked['id']}/")).json()
    assert (shown["state"], shown["local_id"], shown["remote_id"]) == ("differs", mine.pk, remote_id)
    assert shown["differences"] == [{"field": "url", "ours": SHOP, "theirs": "https://example.com/theirs"}]
    assert admin.post(url(keeper, f"records/{linked['id']}/unlink/")).status_code == 204
    states = [one["state"] for one in admin.get(url(keeper, "records/")).json()["results"]]
    assert sorted(states) == ["local_only", "remote_only"]
    assert posted(admin, url(keeper, "records/link-by-name/"), {"entity": "link"}) == {"linked": 1}


def test_records_are_filtered(keeper: ProviderAccount, store: Store, admin: ApiClient) -> None:
    two_sides(keeper, store)
    for query, names in (
        ({"state": "local_only"}, ["Acme"]),
        ({"search": "thei"}, ["Theirs"]),
        ({"entity": "link"}, []),
    ):
        found = admin.get(url(keeper, "records/"), query).json()["results"]
        assert [one["name"] for one in found] == names
    assert admin.get(url(keeper, "records/"), {"state": "odd"}).status_code == 400


@pytest.mark.parametrize(
    ("data", "field", "words"),
    [
        ({"what": "move"}, "what", "move"),
        ({"what": "compare", "entities": ["campaign"]}, "entities", "“campaign” is nothing that is kept"),
        ({"what": "compare", "dry_run": True}, "dry_run", "changes nothing: leave it out"),
        ({"what": "compare", "records": [1]}, "records", "leave it out"),
        ({"what": "push", "records": [987654]}, "records", "There is no 987654 any more"),
        ({"what": "push", "records": ["x"]}, "records", "x"),
        ({"what": "push", "state": "odd"}, "state", "odd"),
    ],
)
def test_what_is_wrong_is_named(
    keeper: ProviderAccount, store: Store, admin: ApiClient, data: dict[str, Any], field: str, words: str
) -> None:
    two_sides(keeper, store)
    problem = posted(admin, url(keeper, "runs/"), data, 400)
    assert problem["errors"][0]["field"].startswith(field)
    assert words in problem["errors"][0]["detail"]
    assert not SyncRun.objects.exists()


def test_one_at_a_time(keeper: ProviderAccount, store: Store, admin: ApiClient) -> None:
    two_sides(keeper, store)
    posted(admin, url(keeper, "runs/"), {"what": "compare"}, 201)
    problem = posted(admin, url(keeper, "runs/"), {"what": "push"}, 409)
    assert problem["code"] == "busy"
    assert SyncRun.objects.count() == 1, "no plan is left behind"


def test_nothing_to_do_is_said(keeper: ProviderAccount, admin: ApiClient) -> None:
    problem = posted(admin, url(keeper, "runs/"), {"what": "push"}, 409)
    assert (problem["code"], problem["detail"]) == ("nothing", "Compare both sides first.")


@pytest.mark.parametrize(
    ("change", "field"), [({"entity": "campaign"}, "entity"), ({"local_id": 987}, "local_id")]
)
def test_a_link_that_cannot_be(
    keeper: ProviderAccount, store: Store, admin: ApiClient, change: dict[str, Any], field: str
) -> None:
    two_sides(keeper, store)
    here, there_ = RemoteRecord.objects.get(name="Acme"), RemoteRecord.objects.get(name="Theirs")
    asked = {"entity": "sender", "local_id": here.local_id, "remote_id": there_.remote_id}
    problem = posted(admin, url(keeper, "records/link/"), asked | change, 400)
    assert [error["field"] for error in problem["errors"]] == [field]
    posted(admin, url(keeper, "records/link/"), asked)
    posted(admin, url(keeper, "records/link/"), asked, 409)


def test_a_vendor_without_it(acme: Workspace, admin: ApiClient) -> None:
    account = make_account(acme, "bulkvs")
    assert admin.get(url(account)).json() == {"kinds": []}
    problem = posted(admin, url(account, "runs/"), {"what": "compare"}, 400)
    assert problem["errors"][0]["detail"] == "Nothing is kept in step with this provider."


@pytest.mark.parametrize("rest", ["", "records/", "runs/"])
def test_how_often_the_database_is_asked(
    keeper: ProviderAccount, store: Store, admin: ApiClient, rest: str
) -> None:
    counts = []
    for many in (2, 40):
        for number in range(many):
            create_sender(workspace=keeper.workspace, actor=ACTOR, value=f"S{many} {number}")
            SyncRun.objects.create(account=keeper, what="push", state="planned")
        compare(account=keeper, entity="sender")
        admin.get(url(keeper, rest))
        with CaptureQueriesContext(connection) as asked:
            assert admin.get(url(keeper, rest)).status_code == 200
        counts.append(len(asked))
    assert counts[0] == counts[1]


@pytest.mark.parametrize("name", ["remoterecord", "syncrun", "syncrunstep"])
def test_the_admin_looks(keeper: ProviderAccount, store: Store, admin: ApiClient, name: str) -> None:
    from accounts.models import User  # beside the people of the workspace

    two_sides(keeper, store)
    posted(admin, url(keeper, "runs/"), {"what": "push", "dry_run": True}, 201)
    root = Client()
    root.force_login(User.objects.create_superuser("root@example.com", "long-enough-for-tests"))
    base = f"/admin/providers/{name}/"
    assert root.get(base).status_code == 200
    pk = {"remoterecord": RemoteRecord, "syncrun": SyncRun}.get(name, SyncRun.objects.get().steps.model)
    shown = root.get(f"{base}{pk.objects.first().pk}/change/")
    assert shown.status_code == 200
    assert 'name="_save"' not in shown.content.decode()
    assert root.get(f"{base}add/").status_code == 403


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("records", "No record is named: name one, or leave records out for all."),
        ("entities", "No kind is named: name one, or leave entities out for all."),
    ],
)
def test_an_empty_choice_is_not_everything(
    keeper: ProviderAccount, store: Store, admin: ApiClient, name: str, words: str
) -> None:
    two_sides(keeper, store)
    for dry in (False, True):
        found = posted(admin, url(keeper, "runs/"), {"what": "push", name: [], "dry_run": dry}, 400)
        assert words in str(found)
    assert not SyncRun.objects.exists()
