"""Routes: services, pages, API and admin, the same rules in each; and which account a number takes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.access import Actor
from accounts.models import AuditEntry, Workspace
from providers.models import ProviderAccount, Route
from providers.routing import NOBODY, Carrier, RouteChooser, is_among, why_nobody
from providers.services import ProviderAccountError
from providers.services.routes import STEPS_MOST, clean_only, create_route, update_route
from tests.access import assert_access
from tests.people import ApiClient, workspace_named
from tests.providers.makers import make_account

AMERICAN, BRITISH = "12015550123", "447400123456"
Api = Callable[..., ApiClient]


@pytest.fixture
def one(acme: Workspace) -> ProviderAccount:
    return make_account(acme, name="One")


@pytest.fixture
def two(acme: Workspace) -> ProviderAccount:
    return make_account(acme, name="Two")


@pytest.fixture
def route(acme: Workspace, one: ProviderAccount, two: ProviderAccount) -> Route:
    steps: Any = [{"account": one, "weight": 3, "only": ["us", "+44 7400"]}, {"account": two}]
    return create_route(workspace=acme, actor=Actor(), name="Main", strategy="weight", steps=steps)


def steps_of(route: Route) -> list[tuple[str, int, list[str]]]:
    return [(step.account.name, step.weight, step.only) for step in route.steps.all()]


# --- which account ----------------------------------------------------------------------------------------


def carrier(weight: int = 1, only: tuple[str, ...] = (), **refuses: bool) -> Carrier:
    return Carrier(weight, only, lambda _n: "reach" not in refuses, lambda _n: "sender" not in refuses)


def unpriced(_number: int) -> Decimal | None:
    return None


@pytest.mark.parametrize("weights", [(1,), (1, 1), (3, 1), (1, 2, 3), (70, 20, 7, 3)])
def test_weights_are_met_exactly_and_never_far_off(weights: tuple[int, ...]) -> None:
    chooser = RouteChooser("weight", [carrier(weight) for weight in weights])
    total = sum(weights)
    found: Counter[int] = Counter()
    for number in range(1, total * 3 + 1):
        found[chooser.choose(AMERICAN, unpriced)] += 1
        for place, weight in enumerate(weights):
            assert abs(found[place] - number * weight / total) <= 1
        if number % total == 0:
            assert [found[place] for place in range(len(weights))] == [
                weight * number // total for weight in weights
            ]


def test_who_goes_on_chooses_as_the_one_before_would_have() -> None:
    carriers = [carrier(5), carrier(3), carrier(1)]
    whole = RouteChooser("weight", carriers)
    wanted = [whole.choose(AMERICAN, unpriced) for _one in range(40)]
    begun = RouteChooser("weight", carriers)
    found = [begun.choose(AMERICAN, unpriced) for _one in range(17)]
    again = RouteChooser("weight", carriers, [Counter(found)[number] for number in range(3)])
    assert found + [again.choose(AMERICAN, unpriced) for _one in range(23)] == wanted


def test_in_order_what_the_first_does_not_take_goes_to_the_next() -> None:
    chooser = RouteChooser(
        "order", [carrier(only=("GB",)), carrier(reach=False), carrier(sender=False), carrier()]
    )
    assert [chooser.choose(number, unpriced) for number in (BRITISH, AMERICAN)] == [0, 3]


def test_the_cheapest_of_equals_is_the_first_and_without_a_price_the_last() -> None:
    prices: list[Decimal | None] = [None, Decimal("0.02"), Decimal("0.01"), Decimal("0.01")]
    chooser = RouteChooser("cheapest", [carrier() for _price in prices])
    assert chooser.choose(AMERICAN, prices.__getitem__) == 2
    assert chooser.choose(AMERICAN, unpriced) == 0


def test_whom_nobody_takes() -> None:
    carriers = [carrier(only=("GB",)), carrier(sender=False)]
    assert RouteChooser("order", carriers).choose(AMERICAN, unpriced) == NOBODY
    assert why_nobody(carriers, AMERICAN) == "no_sender_for_country"
    assert why_nobody(carriers[:1], AMERICAN) == "out_of_reach"


@pytest.mark.parametrize(
    ("only", "is_taken"),
    [((), True), (("US",), False), (("US", "GB"), True), (("4474",), True), (("45",), False)],
)
def test_countries_and_beginnings(only: tuple[str, ...], is_taken: bool) -> None:
    assert is_among(BRITISH, only) is is_taken


# --- services ---------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_it_works(route: Route) -> None:
    assert (route.name, route.strategy, route.enabled) == ("Main", "weight", True)
    assert steps_of(route) == [("One", 3, ["447400", "US"]), ("Two", 1, [])]
    assert AuditEntry.objects.get(action="created", details__strategy="weight").details["accounts"] == [
        "One",
        "Two",
    ]


@pytest.mark.django_db
def test_a_change_replaces_the_accounts(route: Route, one: ProviderAccount, two: ProviderAccount) -> None:
    update_route(route=route, actor=Actor(), steps=[{"account": two}, {"account": one}])
    assert steps_of(route) == [("Two", 1, []), ("One", 1, [])]
    before = AuditEntry.objects.count()
    update_route(route=route, actor=Actor(), name="Main", steps=[{"account": two}, {"account": one}])
    assert AuditEntry.objects.count() == before


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("step", "words"),
    [
        ({"weight": 0}, "The weight of One is 0"),
        ({"weight": 10_001}, "The weight of One is 10,001"),
        ({"only": ["Atlantis"]}, "“Atlantis” is neither a country's code"),
        ({"only": ["+0"]}, "is not the beginning of a number"),
    ],
)
def test_it_refuses(acme: Workspace, one: ProviderAccount, step: Any, words: str) -> None:
    with pytest.raises(ProviderAccountError, match=words) as caught:
        create_route(workspace=acme, actor=Actor(), name="Main", steps=[{"account": one} | step])
    assert caught.value.field == "steps"
    assert not Route.objects.exists()


@pytest.mark.django_db
def test_it_refuses_accounts_that_do_not_go_together(
    acme: Workspace, one: ProviderAccount, two: ProviderAccount
) -> None:
    def made(*accounts: ProviderAccount) -> None:
        create_route(
            workspace=acme, actor=Actor(), name="Main", steps=[{"account": each} for each in accounts]
        )

    with pytest.raises(ProviderAccountError, match="twice"):
        made(one, one)
    with pytest.raises(ProviderAccountError, match="does not exist in this workspace"):
        made(make_account(workspace_named("other")))
    with pytest.raises(ProviderAccountError, match="at most"):
        made(*[one] * (STEPS_MOST + 1))
    two.currency = "EUR"
    two.save()
    with pytest.raises(ProviderAccountError, match=r"different currencies \(EUR, USD\)"):
        made(one, two)


@pytest.mark.django_db
def test_names_are_taken_once(acme: Workspace, route: Route) -> None:
    with pytest.raises(ProviderAccountError, match="already") as caught:
        create_route(workspace=acme, actor=Actor(), name="MAIN")
    assert caught.value.code == "name_taken"
    for name, words in (("  ", "empty"), ("x" * 101, "101 characters")):
        with pytest.raises(ProviderAccountError, match=words):
            update_route(route=route, actor=Actor(), name=name)


@pytest.mark.django_db
def test_what_it_is_only_for_is_kept_sorted_and_once() -> None:
    assert clean_only(["us", "US", " +44 ", "44", ""]) == ["44", "US"]


# --- pages ------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_access(route: Route) -> None:
    page = reverse("route-detail", args=[route.pk])
    assert_access(reverse("routes"))
    assert_access(reverse("route-new"), viewer=403, marketer=403, admin=200)
    assert_access(page)
    assert_access(page, "post", viewer=403, marketer=403, admin=422, data={})
    assert_access(
        reverse("route-enabled", args=[route.pk]),
        "post",
        viewer=403,
        marketer=403,
        admin=302,
        wrong_method="get",
    )


@pytest.mark.django_db
def test_a_route_is_made_and_changed(
    acme: Workspace, one: ProviderAccount, two: ProviderAccount, adam_client: Client
) -> None:
    filled = {
        "name": "Main",
        "strategy": "order",
        f"place_{one.pk}": "2",
        f"place_{two.pk}": "1",
        f"only_{two.pk}": "US, +4474",
    }
    made = adam_client.post(reverse("route-new"), filled)
    route = Route.objects.get()
    assert made.headers["Location"] == reverse("route-detail", args=[route.pk])
    assert steps_of(route) == [("Two", 1, ["4474", "US"]), ("One", 1, [])]
    page = adam_client.get(reverse("route-detail", args=[route.pk])).content.decode()
    assert "US, +4474" in page
    refused = adam_client.post(
        reverse("route-detail", args=[route.pk]), filled | {f"only_{two.pk}": "Atlantis"}
    )
    assert refused.status_code == 422
    assert "neither a country" in refused.content.decode()
    adam_client.post(reverse("route-detail", args=[route.pk]), filled | {f"place_{two.pk}": ""})
    assert steps_of(route) == [("One", 1, [])]
    adam_client.post(reverse("route-enabled", args=[route.pk]), {"on": "0"})
    route.refresh_from_db()
    assert not route.enabled


@pytest.mark.django_db
def test_the_second_of_two_is_told(route: Route, one: ProviderAccount, adam_client: Client) -> None:
    address = reverse("route-detail", args=[route.pk])
    page = adam_client.get(address)
    seen = page.context["form"].seen_now
    update_route(route=route, actor=Actor(), name="Other")
    filled = {"name": "Main", "strategy": "order", f"place_{one.pk}": "1", "seen": seen}
    told = adam_client.post(address, filled)
    assert told.status_code == 422
    assert "Somebody else changed this" in told.content.decode()


@pytest.mark.django_db
def test_without_routes_the_list_teaches(victor_client: Client) -> None:
    assert "A route takes the place of an account" in victor_client.get(reverse("routes")).content.decode()


# --- API --------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_api_access(route: Route) -> None:
    row = f"/api/v1/routes/{route.pk}/"
    assert_access("/api/v1/routes/", wrong_method="put")
    assert_access("/api/v1/routes/", "post", viewer=403, marketer=403, admin=400, wrong_method=None, data={})
    assert_access(row)
    assert_access(
        row, "patch", viewer=403, marketer=403, admin=200, wrong_method="put", data={"enabled": True}
    )


@pytest.mark.django_db
def test_api_makes_and_changes(api: Api, one: ProviderAccount, two: ProviderAccount) -> None:
    client = api("admin")
    made = client.post(
        "/api/v1/routes/",
        {
            "name": "Main",
            "strategy": "cheapest",
            "steps": [{"account": two.pk, "only": ["US", "+44"]}, {"account": one.pk, "weight": 2}],
        },
    )
    assert made.status_code == 201, made.content
    assert made.json()["steps"] == [
        {"account": two.pk, "weight": 1, "only": ["US", "+44"]},
        {"account": one.pk, "weight": 2, "only": []},
    ]
    row = f"/api/v1/routes/{made.json()['id']}/"
    changed = client.patch(row, {"steps": [{"account": one.pk}], "enabled": False})
    assert (changed.status_code, changed.json()["enabled"], len(changed.json()["steps"])) == (200, False, 1)
    assert client.post("/api/v1/routes/", {"name": "main"}).status_code == 409
    wrong = client.patch(row, {"steps": [{"account": 999_999}]})
    assert (wrong.status_code, "999999" in wrong.content.decode()) == (400, True)


# --- admin ------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_admin_changes_by_the_service(route: Route, admin_client: Client) -> None:
    address = reverse("admin:providers_route_change", args=[route.pk])
    page = admin_client.get(address)
    assert page.status_code == 200
    assert "One" in page.content.decode()
    rows = {"steps-TOTAL_FORMS": "2", "steps-INITIAL_FORMS": "2"}
    for number, step in enumerate(route.steps.all()):
        rows |= {f"steps-{number}-id": str(step.pk), f"steps-{number}-route": str(route.pk)}
    posted = {"name": "Renamed", "strategy": "order", "enabled": "on"} | rows
    saved = admin_client.post(address, posted)
    assert saved.status_code == 302
    route.refresh_from_db()
    assert (route.name, route.strategy, len(steps_of(route))) == ("Renamed", "order", 2)
    assert AuditEntry.objects.filter(action="changed", details__was="Main").exists()


@pytest.mark.django_db
def test_pages_stay_within_the_workspace(route: Route, victor_client: Client, charlie_client: Client) -> None:
    assert charlie_client.get(reverse("route-detail", args=[route.pk])).status_code == 404
    assert ">Main</a>" in victor_client.get(reverse("routes")).content.decode()
    assert ">Main</a>" not in charlie_client.get(reverse("routes")).content.decode()
