from django.urls import URLPattern, URLResolver, path
from rest_framework.routers import SimpleRouter

from messaging.budget_api import BudgetViewSet
from messaging.links.api import HitViewSet, LinkListViewSet, LinkViewSet
from messaging.media.api import MediaViewSet
from messaging.quiet_api import QuietHoursViewSet
from messaging.sender_api import SenderListViewSet, SenderViewSet
from messaging.sending_api import SendingViewSet
from messaging.texts.api import TemplateViewSet, WordSpinnerViewSet
from messaging.verification.api import VerificationViewSet
from messaging.webhooks.api import WebhookDeliveryViewSet, WebhookViewSet

router = SimpleRouter()
router.register("hits", HitViewSet, basename="hit")
router.register("links", LinkViewSet, basename="api-link")
router.register("link-lists", LinkListViewSet, basename="api-link-list")
router.register("media", MediaViewSet, basename="media")
router.register("senders", SenderViewSet, basename="sender")
router.register("sender-lists", SenderListViewSet, basename="sender-list")
router.register("templates", TemplateViewSet, basename="template")
router.register("word-spinners", WordSpinnerViewSet, basename="word-spinner")
router.register("verifications", VerificationViewSet, basename="verification")
router.register("webhooks", WebhookViewSet, basename="webhook")
router.register("webhook-deliveries", WebhookDeliveryViewSet, basename="webhook-delivery")
urlpatterns: list[URLPattern | URLResolver] = [
    *router.urls,
    path(
        "budget/",
        BudgetViewSet.as_view({"get": "retrieve", "patch": "partial_update"}),
        name="api-budget",
    ),
    path(
        "sending/",
        SendingViewSet.as_view({"get": "retrieve", "patch": "partial_update"}),
        name="api-sending",
    ),
    path(
        "quiet-hours/",
        QuietHoursViewSet.as_view({"get": "retrieve", "patch": "partial_update"}),
        name="api-quiet-hours",
    ),
]
