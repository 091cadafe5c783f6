import pytest

from contacts.services.import_writers import PostgresWriter, SqliteWriter
from contacts.services.opt_out_writers import PostgresProofWriter, SqliteProofWriter


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> int:
    """Ten rows a transaction, without the rest that SQLite is given between them."""
    for writer in (PostgresWriter, SqliteWriter, PostgresProofWriter, SqliteProofWriter):
        monkeypatch.setattr(writer, "chunk_rows", 10)
        monkeypatch.setattr(writer, "pause_seconds", 0.0)
    return 10
