from django.urls import URLPattern, URLResolver, path
from rest_framework.routers import SimpleRouter

from providers.api import ProviderAccountViewSet
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
]
