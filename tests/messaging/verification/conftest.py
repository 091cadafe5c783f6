"""The sandbox, for what goes the whole way."""

from tests.engine.conftest import sandbox, sandbox_process

__all__ = ["sandbox", "sandbox_process"]
