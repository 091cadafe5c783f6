from collections.abc import Iterator

import pytest

from tests.providers.sandbox.support import Webhook
from tests.sandbox_process import SandboxProcess


@pytest.fixture(scope="session")
def sandbox_process() -> Iterator[SandboxProcess]:
    with SandboxProcess() as process:
        yield process


@pytest.fixture
def sandbox(sandbox_process: SandboxProcess) -> SandboxProcess:
    """The one process, as good as new."""
    sandbox_process.reset()
    return sandbox_process


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    with Webhook() as server:
        yield server
