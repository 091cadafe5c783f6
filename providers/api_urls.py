from django.urls import URLPattern, URLResolver, path
from rest_framework.routers import SimpleRouter

from providers.api import ProviderAccountViewSet
from providers.at_vendor_api import AtVendorViewSet
from providers.health_api import CallViewSet, HealthViewSet, TrafficViewSet
from providers.rate_api import RateViewSet
from providers.route_api import RouteViewSet
from providers.sync_api import SyncKindViewSet, SyncRecordViewSet, SyncRunViewSet, SyncStepViewSet

ACCOUNT = "provider-accounts/<int:account_pk>"

router = SimpleRouter()
router.register("provider-accounts", ProviderAccountViewSet, basename="provider-account")
router.register("routes", RouteViewSet, basename="route")
urlpatterns: list[URLPattern | URLResolver] = [
    *router.urls,
    path(
        "provider-accounts/<int:account_pk>/rates/",
        RateViewSet.as_view({"get": "list", "post": "create"}),
        name="api-provider-account-rates",
    ),
    path(
        "provider-accounts/<int:account_pk>/rates/import/",
        RateViewSet.as_view({"post": "import_csv"}),
        name="api-provider-account-rate-import",
    ),
    path(
        "provider-accounts/<int:account_pk>/rates/<int:pk>/",
        RateViewSet.as_view({"delete": "destroy"}),
        name="api-provider-account-rate",
    ),
    path(
        "provider-accounts/<int:account_pk>/health/",
        HealthViewSet.as_view({"get": "retrieve"}),
        name="api-provider-account-health",
    ),
    path(
        "provider-accounts/<int:account_pk>/calls/",
        CallViewSet.as_view({"get": "list"}),
        name="api-provider-account-calls",
    ),
    path(
        "provider-accounts/<int:account_pk>/calls/apply-again/",
        CallViewSet.as_view({"post": "apply_all_again"}),
        name="api-provider-account-calls-again",
    ),
    path(
        "provider-accounts/<int:account_pk>/calls/<int:pk>/",
        CallViewSet.as_view({"get": "retrieve"}),
        name="api-provider-account-call",
    ),
    path(
        "provider-accounts/<int:account_pk>/calls/<int:pk>/apply-again/",
        CallViewSet.as_view({"post": "apply_again"}),
        name="api-provider-account-call-again",
    ),
    path(
        "provider-accounts/<int:account_pk>/traffic/",
        TrafficViewSet.as_view({"get": "list"}),
        name="api-provider-account-traffic",
    ),
    path(
        f"{ACCOUNT}/at-vendor/",
        AtVendorViewSet.as_view({"get": "sections"}),
        name="api-provider-account-at-vendor",
    ),
    path(
        f"{ACCOUNT}/at-vendor/<slug:section>/",
        AtVendorViewSet.as_view({"get": "look"}),
        name="api-provider-account-at-vendor-section",
    ),
    path(
        f"{ACCOUNT}/at-vendor/<slug:section>/<slug:deed>/",
        AtVendorViewSet.as_view({"post": "change"}),
        name="api-provider-account-at-vendor-change",
    ),
    path(f"{ACCOUNT}/sync/", SyncKindViewSet.as_view({"get": "kinds"}), name="api-provider-account-sync"),
    path(
        f"{ACCOUNT}/sync/records/",
        SyncRecordViewSet.as_view({"get": "list"}),
        name="api-provider-account-sync-records",
    ),
    path(
        f"{ACCOUNT}/sync/records/link/",
        SyncRecordViewSet.as_view({"post": "link"}),
        name="api-provider-account-sync-link",
    ),
    path(
        f"{ACCOUNT}/sync/records/link-by-name/",
        SyncRecordViewSet.as_view({"post": "link_by_name"}),
        name="api-provider-account-sync-link-by-name",
    ),
    path(
        f"{ACCOUNT}/sync/records/<int:pk>/",
        SyncRecordViewSet.as_view({"get": "retrieve"}),
        name="api-provider-account-sync-record",
    ),
    path(
        f"{ACCOUNT}/sync/records/<int:pk>/unlink/",
        SyncRecordViewSet.as_view({"post": "unlink"}),
        name="api-provider-account-sync-unlink",
    ),
    path(
        f"{ACCOUNT}/sync/runs/",
        SyncRunViewSet.as_view({"get": "list", "post": "create"}),
        name="api-provider-account-sync-runs",
    ),
    path(
        f"{ACCOUNT}/sync/runs/<int:pk>/",
        SyncRunViewSet.as_view({"get": "retrieve"}),
        name="api-provider-account-sync-run",
    ),
    path(
        f"{ACCOUNT}/sync/runs/<int:run_pk>/steps/",
        SyncStepViewSet.as_view({"get": "list"}),
        name="api-provider-account-sync-run-steps",
    ),
    path(
        f"{ACCOUNT}/sync/runs/<int:pk>/confirm/",
        SyncRunViewSet.as_view({"post": "confirm"}),
        name="api-provider-account-sync-run-confirm",
    ),
    path(
        f"{ACCOUNT}/sync/runs/<int:pk>/cancel/",
        SyncRunViewSet.as_view({"post": "cancel"}),
        name="api-provider-account-sync-run-cancel",
    ),
    path(
        f"{ACCOUNT}/sync/runs/<int:pk>/again/",
        SyncRunViewSet.as_view({"post": "again"}),
        name="api-provider-account-sync-run-again",
    ),
]
