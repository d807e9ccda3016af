"""Each test runs against every backend that has the behaviour, in each environment; a table of
them all is printed at the end."""

import pytest

import projects
from sites import Sites

import client  # isort: skip  (projects.py says where it is)

COLUMNS = pytest.StashKey[list]()
OUTCOMES = pytest.StashKey[dict]()
SITES = pytest.StashKey[Sites]()


def pytest_addoption(parser):
    parser.addoption("--backend", action="append", help="NAME or NAME@ENVIRONMENT; repeatable")


def pytest_configure(config):
    config.addinivalue_line(
        "markers", "behaviour(column, backends): a column of the table, and which backends have it"
    )
    config.stash[COLUMNS], config.stash[OUTCOMES] = [], {}


def label(key):
    return "@".join(key)


def pytest_generate_tests(metafunc):
    behaviour = metafunc.definition.get_closest_marker("behaviour")
    having = behaviour.kwargs.get("backends", projects.DIALECTS)
    keys = [key for key in projects.EVERYWHERE if key[0] in having]
    metafunc.parametrize("site", keys, ids=label, indirect=True, scope="module")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config, items):
    """All of one backend, then all of the next. pytest itself goes by the number of a parameter in
    its test's own list, and these lists differ."""

    def place(item):
        first_line = item.function.__code__.co_firstlineno
        return projects.EVERYWHERE.index(item.callspec.params["site"]), first_line

    only = config.getoption("backend")
    items[:] = sorted((i for i in items if not only or is_named(i, only)), key=place)


def is_named(item, names):
    name, environment = item.callspec.params["site"]
    return name in names or label((name, environment)) in names


def pytest_collection_finish(session):
    stash = session.config.stash
    keys = dict.fromkeys(item.callspec.params["site"] for item in session.items)
    stash[SITES] = Sites(keys)
    stash[OUTCOMES].update((key, {}) for key in keys)
    as_written = sorted(session.items, key=lambda item: item.function.__code__.co_firstlineno)
    names = (item.get_closest_marker("behaviour").args[0] for item in as_written)
    stash[COLUMNS].extend(dict.fromkeys(names))


@pytest.fixture(scope="module")
def site(request):
    """A backend with bffd before it. Bytes that clients receive are kept from its first test on."""
    running = request.config.stash[SITES].take(request.param)
    client.received.take()
    yield running
    running.close()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    column = item.get_closest_marker("behaviour").args[0]
    cells = item.config.stash[OUTCOMES][item.callspec.params["site"]]
    if report.failed:
        cells[column] = "FAILED"
        running = item.funcargs.get("site")
        if running is not None:
            report.sections.append(("site", running.stack.log_tail()))
            report.sections.append(("backend", running.backend.log_tail()))
    elif report.when == "call":
        cells.setdefault(column, "ok")


def pytest_terminal_summary(terminalreporter, config):
    columns, outcomes = config.stash[COLUMNS], config.stash[OUTCOMES]
    if not outcomes:
        return
    terminalreporter.section("backend x behaviour")
    first = max(len(label(key)) for key in outcomes)
    widths = [max(len(column), len("FAILED")) for column in columns]
    terminalreporter.write_line(row("", first, columns, widths))
    for key, cells in outcomes.items():
        values = [cells.get(column, "-") for column in columns]
        terminalreporter.write_line(row(label(key), first, values, widths))


def row(name, first, values, widths):
    cells = "  ".join(f"{value:<{width}}" for value, width in zip(values, widths))
    return f"{name:<{first}}  {cells}".rstrip()


def pytest_sessionfinish(session):
    sites = session.config.stash.get(SITES, None)
    if sites:
        sites.close()
