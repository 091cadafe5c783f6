"""Files of Django admin's imports between their preview and its confirmation.

They stand among the uploads of imports, and no row names them: who never confirms leaves nothing behind for longer than the
sweep of strays lets it stand (services/file_retention.py), and an erasure deletes them at once.
"""

from __future__ import annotations

import uuid
from pathlib import Path

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.http import Http404
from django.utils.translation import gettext as _
from import_export.tmp_storages import BaseStorage

from contacts.services.file_retention import ADMIN_UPLOADS


class AdminUploads(BaseStorage):
    def save(self, data: bytes) -> None:
        self.name = uuid.uuid4().hex
        default_storage.save(self._path, ContentFile(data))

    def read(self) -> str | bytes:
        path = Path(default_storage.path(self._path))
        try:
            return path.read_bytes() if "b" in self.read_mode else path.read_text(self.encoding)
        except FileNotFoundError:
            raise Http404(
                _("The uploaded file is not kept any more. Upload it again, and confirm it.")
            ) from None

    def remove(self) -> None:
        default_storage.delete(self._path)

    @property
    def _path(self) -> str:
        """The name comes back from the browser."""
        return f"{ADMIN_UPLOADS}/{Path(self.name).name}"
