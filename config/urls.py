"""All addresses. Each app has its own urls.py (pages) and api_urls.py (API)."""

from django.contrib import admin
from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView

from config import health

urlpatterns = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", health.metrics, name="metrics"),
    path("admin/", admin.site.urls),
    path("api/v1/schema/", SpectacularAPIView.as_view(), name="api-schema"),
    path("api/v1/", include("campaigns.api_urls")),
    path("api/v1/", include("messaging.api_urls")),
    path("api/v1/", include("contacts.api_urls")),
    path("api/v1/", include("providers.api_urls")),
    path("", include("web.urls")),
    path("", include("accounts.urls")),
    path("", include("contacts.urls")),
    path("", include("providers.urls")),
    path("", include("messaging.urls")),
    path("", include("campaigns.urls")),
]

handler400 = "web.views.bad_request"
handler403 = "web.views.forbidden"
handler404 = "web.views.not_found"
handler500 = "web.views.server_error"
