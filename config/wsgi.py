import os
import sys

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from config.bodies import WholeBodies

# Between threads: a short link waits no longer than that for one that is busy (Python's own 5 ms are felt with several).
sys.setswitchinterval(0.001)
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django = get_wsgi_application()

from accounts.known import is_known  # noqa: E402  # models are there once Django is set up
from messaging.links.redirect import Redirects  # noqa: E402  # the same

__all__ = ["application", "is_known"]

application = Redirects(WholeBodies(django, most=settings.DATA_UPLOAD_MAX_MEMORY_SIZE))
