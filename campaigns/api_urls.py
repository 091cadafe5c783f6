"""Addresses of the API. Messages are here, above the ledger, because a single text is launched here."""

from rest_framework.routers import SimpleRouter

from campaigns.api import BroadcastViewSet, CampaignViewSet, MessageViewSet
from campaigns.api_numbers import NumberViewSet

router = SimpleRouter()
router.register("campaigns", CampaignViewSet, "api-campaign")
router.register("broadcasts", BroadcastViewSet, "api-broadcast")
router.register("messages", MessageViewSet, "api-message")
router.register("numbers", NumberViewSet, "api-number")

urlpatterns = router.urls
