from rest_framework.routers import SimpleRouter

from messaging.sender_api import SenderViewSet

router = SimpleRouter()
router.register("senders", SenderViewSet, basename="sender")
urlpatterns = router.urls
