"""Backends for bffd doctor to examine. A test module takes the fixtures by importing them."""

import contextlib
import tempfile
from pathlib import Path

import pytest

import fullsite
from doctor import Doctor
from fullsite import REFRESH, DjangoBackend, FakeBackend

HERE = Path(__file__).resolve().parent
# Of tests/django: it needs a sign-in and answers 200 to GET.
PATH = ("--path", "/api/whoami/")


@contextlib.contextmanager
def patient(kind, **settings):
    """A backend, and the doctor who examines it."""
    with tempfile.TemporaryDirectory(prefix="bffd-doctor-") as directory:
        backend = kind(str(Path(directory, "backend")), **settings)
        backend.start()
        try:
            doctor = Doctor(directory, backend.url, backend.all_issued)
            doctor.backend = backend
            yield doctor
        finally:
            fullsite.all_issued.extend(backend.all_issued())
            backend.stop()


def sick(words, **env):
    env.update(
        DJANGO_SETTINGS_MODULE="sick_django", PYTHONPATH=str(HERE), BFF_TEST_SICKNESS=words
    )
    return patient(DjangoBackend, **env)


@pytest.fixture(scope="module")
def django():
    with patient(DjangoBackend) as doctor:
        yield doctor


@pytest.fixture(scope="module")
def fake_backend():
    with patient(FakeBackend) as doctor:
        yield doctor


@pytest.fixture
def fake(fake_backend):
    fake_backend.backend.control(reset=True)
    return fake_backend


def live_refresh_tokens(backend):
    """Those that the backend would still take. Asking uses them up."""
    tokens = [t["token"] for t in backend.all_issued() if t["kind"] == "refresh"]
    return [t for t in tokens if backend.post(REFRESH, {"refresh": t})[0] != 401]
