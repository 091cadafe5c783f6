from django.urls import URLPattern, URLResolver, path
from rest_framework.routers import SimpleRouter

from providers.api import ProviderAccountViewSet
from providers.health_api import CallViewSet, HealthViewSet, TrafficViewSet
from providers.rate_api import RateViewSet

router = SimpleRouter()
router.register("provider-accounts", ProviderAccountViewSet, basename="provider-account")
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
]
