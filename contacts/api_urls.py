from typing import Any

from django.urls import URLPattern, URLResolver, path
from rest_framework.routers import SimpleRouter

from contacts.api.imports import ImportViewSet
from contacts.api.lists import RecipientListViewSet, RecipientViewSet
from contacts.api.opt_outs import MemberViewSet, OptOutViewSet, UnsubscribeListViewSet

router = SimpleRouter()
router.register("recipient-lists", RecipientListViewSet, basename="api-recipient-list")
router.register("imports", ImportViewSet, basename="api-import")
router.register("opt-outs", OptOutViewSet, basename="api-opt-out")
router.register("unsubscribe-lists", UnsubscribeListViewSet, basename="api-unsubscribe-list")

MANY: dict[str, Any] = {"get": "list", "post": "create"}
ONE: dict[str, Any] = {"get": "retrieve", "delete": "destroy"}

urlpatterns: list[URLPattern | URLResolver] = [
    *router.urls,
    path(
        "recipient-lists/<int:list_pk>/recipients/",
        RecipientViewSet.as_view(MANY),
        name="api-recipient-list-recipients",
    ),
    path(
        "recipient-lists/<int:list_pk>/recipients/<int:pk>/",
        RecipientViewSet.as_view(ONE | {"patch": "partial_update"}),
        name="api-recipient-list-recipient",
    ),
    path(
        "unsubscribe-lists/<int:list_pk>/members/",
        MemberViewSet.as_view(MANY),
        name="api-unsubscribe-list-members",
    ),
    path(
        "unsubscribe-lists/<int:list_pk>/members/<int:pk>/",
        MemberViewSet.as_view(ONE),
        name="api-unsubscribe-list-member",
    ),
]
