from typing import Any

from django.urls import URLPattern, URLResolver, path
from rest_framework.routers import SimpleRouter

from contacts.api.imports import ImportViewSet
from contacts.api.list_jobs import ListJobViewSet, SavedFilterViewSet
from contacts.api.lists import RecipientListViewSet, RecipientViewSet
from contacts.api.opt_out_reviews import OptOutReviewViewSet
from contacts.api.opt_outs import MemberViewSet, OptOutViewSet, UnsubscribeListViewSet
from contacts.api.stop_words import StopWordsViewSet

router = SimpleRouter()
router.register("recipient-lists", RecipientListViewSet, basename="api-recipient-list")
router.register("imports", ImportViewSet, basename="api-import")
router.register("opt-outs", OptOutViewSet, basename="api-opt-out")
router.register("opt-out-reviews", OptOutReviewViewSet, basename="api-opt-out-review")
router.register("unsubscribe-lists", UnsubscribeListViewSet, basename="api-unsubscribe-list")

MANY: dict[str, Any] = {"get": "list", "post": "create"}
ONE: dict[str, Any] = {"get": "retrieve", "delete": "destroy"}

urlpatterns: list[URLPattern | URLResolver] = [
    *router.urls,
    path(
        "stop-words/",
        StopWordsViewSet.as_view({"get": "retrieve", "patch": "partial_update"}),
        name="api-stop-words",
    ),
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
        "recipient-lists/<int:list_pk>/filters/",
        SavedFilterViewSet.as_view(MANY),
        name="api-recipient-list-filters",
    ),
    path(
        "recipient-lists/<int:list_pk>/filters/<int:pk>/",
        SavedFilterViewSet.as_view(ONE),
        name="api-recipient-list-filter",
    ),
    path("recipient-lists/<int:list_pk>/jobs/", ListJobViewSet.as_view(MANY), name="api-recipient-list-jobs"),
    path(
        "recipient-lists/<int:list_pk>/jobs/<int:pk>/",
        ListJobViewSet.as_view({"get": "retrieve"}),
        name="api-recipient-list-job",
    ),
    path(
        "recipient-lists/<int:list_pk>/jobs/<int:pk>/cancel/",
        ListJobViewSet.as_view({"post": "cancel"}),
        name="api-recipient-list-job-cancel",
    ),
    path(
        "recipient-lists/<int:list_pk>/jobs/<int:pk>/again/",
        ListJobViewSet.as_view({"post": "again"}),
        name="api-recipient-list-job-again",
    ),
    path(
        "recipient-lists/<int:list_pk>/jobs/<int:pk>/file/",
        ListJobViewSet.as_view({"get": "file"}),
        name="api-recipient-list-job-file",
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
