"""The backend jwt-scheme-grace under gunicorn with two processes, in each environment."""

import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS / "backends"), str(TESTS / "evidence")]

import environments  # noqa: E402
from graceful import GracefulDjango  # noqa: E402


@pytest.fixture(scope="module", params=environments.ENVIRONMENTS)
def environment(request):
    return request.param


@pytest.fixture(scope="module")
def django(environment, tmp_path_factory):
    project = GracefulDjango(tmp_path_factory.mktemp("grace"), environment)
    project.start()
    yield project
    project.stop()
