"""What the web server runs: `granian --interface asgi config.asgi:application`."""

from django.conf import settings

from config.gate import Gate
from config.incoming import Limits
from config.wsgi import application as everything
from config.wsgi import is_known
from messaging.links.redirect import is_visit
from web.uploads import largest_upload_of

application = Gate(
    everything,
    is_visit=is_visit,
    is_known=is_known,
    largest_upload=largest_upload_of,
    threads=settings.WEB_THREADS,
    limits=Limits(most_bytes=settings.DATA_UPLOAD_MAX_MEMORY_SIZE),
)
