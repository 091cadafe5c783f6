import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from config.bodies import WholeBodies

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django = get_wsgi_application()

from messaging.links.redirect import Redirects  # noqa: E402  # models are there once Django is set up

application = Redirects(WholeBodies(django, most=settings.DATA_UPLOAD_MAX_MEMORY_SIZE))
