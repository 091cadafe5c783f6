from rest_framework.routers import SimpleRouter

from providers.api import ProviderAccountViewSet

router = SimpleRouter()
router.register("provider-accounts", ProviderAccountViewSet, basename="provider-account")
urlpatterns = router.urls
