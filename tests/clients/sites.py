"""A client's backend as the browser meets it: through bffd in compatibility mode, or directly."""

import contextlib
import tempfile
from pathlib import Path

from harness import HERE, Project  # first: it says where the others are

from front import Front
from stack import Stack


class Site:
    """
    url      where the page is
    project  the backend
    front    nginx before it, if there is one
    stack    nginx, bffd and Redis, if there are
    """

    def __init__(self, url, project, front=None, stack=None):
        self.url, self.project, self.front, self.stack = url, project, front, stack


@contextlib.contextmanager
def backend(client, access_s, refresh_s=None):
    env = {"BFF_TEST_ACCESS_SECONDS": access_s}
    if refresh_s:
        env["BFF_TEST_REFRESH_SECONDS"] = refresh_s
    with contextlib.ExitStack() as at_end:
        directory = at_end.enter_context(tempfile.TemporaryDirectory(prefix="bffd-clients-"))
        project = Project(str(Path(directory, "backend")), client.backend, "debian", env)
        project.start()
        at_end.callback(project.stop)
        yield Path(directory), project


@contextlib.contextmanager
def behind_bffd(client, access_s, refresh_s=None, refresh_ahead="0s", with_front=False):
    """By default nothing is refreshed ahead of time: what is counted happens at an expiry."""
    with contextlib.ExitStack() as at_end:
        directory, project = at_end.enter_context(backend(client, access_s, refresh_s))
        front = None
        if with_front:
            front = at_end.enter_context(running(Front(directory / "front", project)))
        stack = Stack(
            str(directory / "stack"),
            config=project.config,
            backend_url=front.inner_url if front else project.url,
            overrides={
                **project.overrides,
                "compat.enabled": "yes",
                "session.refresh_ahead": refresh_ahead,
            },
            html=HERE,
        )
        at_end.enter_context(stack)
        yield Site(stack.url, project, front, stack)


@contextlib.contextmanager
def without_bffd(client, access_s, refresh_s=None):
    with backend(client, access_s, refresh_s) as (directory, project):
        with running(Front(directory / "front", project)) as front:
            yield Site(front.url, project, front)


@contextlib.contextmanager
def running(component):
    component.start()
    try:
        yield component
    finally:
        component.stop()
