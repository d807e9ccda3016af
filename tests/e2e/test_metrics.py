"""What bffd counts: in the exposition that Prometheus reads, and true."""

import json
import os
import re
import signal
import subprocess

import pytest

from fullsite import REPOSITORY, FakeBackend, running
from until import until

SITE = {"backend": FakeBackend, "workers": 2, "env": {"access_seconds": 600}}
MONITORING = REPOSITORY / "scripts" / "monitoring"
OURS = re.compile(r"\bbffd_[a-z_]+")


class Numbers:
    """{series as text: value} of one scrape."""

    def __init__(self, site):
        self.answer = site.browser().get("/bff-metrics", cookie=False, site=None, origin=False)
        assert self.answer.status == 200, self.answer
        self.text = self.answer.body.decode()
        lines = [line for line in self.text.splitlines() if not line.startswith("#")]
        self.series = {name: float(value) for name, value in (s.rsplit(" ", 1) for s in lines)}

    def __getitem__(self, series):
        return self.series["bffd_" + series]

    def requests(self, flow, outcome):
        return self[f'requests_total{{flow="{flow}",outcome="{outcome}"}}']

    @property
    def names(self):
        return {name.split("{")[0] for name in self.series}


def promtool(*words, text=None):
    return subprocess.run(["promtool", *map(str, words)], input=text, text=True, timeout=60,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def test_prometheus_takes_the_text_as_it_is(site):
    numbers = Numbers(site)
    assert numbers.answer.header("Content-Type").startswith("text/plain; version=0.0.4")
    checked = promtool("check", "metrics", text=numbers.text)
    # Its advice (a name without a help, a unit that is no base unit) would be on lines of output.
    assert (checked.returncode, checked.stdout) == (0, ""), checked.stdout


def test_prometheus_takes_the_alert_rules(site):
    checked = promtool("check", "rules", MONITORING / "alerts.yml")
    assert checked.returncode == 0 and "rules found" in checked.stdout, checked.stdout


@pytest.mark.parametrize("file", ["alerts.yml", "dashboard.json"])
def test_what_the_examples_name_is_there(site, file):
    named = set(OURS.findall((MONITORING / file).read_text()))
    assert len(named) > 8 and named <= Numbers(site).names


@pytest.mark.parametrize("file", ["alerts.yml", "dashboard.json"])
def test_labels_that_the_examples_ask_for_are_there(site, file):
    text, series = (MONITORING / file).read_text().replace('\\"', '"'), Numbers(site).series
    wanted = re.findall(r'(verdict|result|reason|outcome|state)=~?"([a-z_|]+)"', text)
    for label, values in wanted:
        for value in values.split("|"):
            assert any(f'{label}="{value}"' in name for name in series), (label, value)


def test_the_dashboard_asks_with_queries_that_parse():
    """Each as a recording rule, with Grafana's variables filled in."""
    dashboard = json.loads((MONITORING / "dashboard.json").read_text())
    queries = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    rules = [
        {"record": f"q{i}", "expr": q.replace("$__rate_interval", "5m").replace("$instance", ".*")}
        for i, q in enumerate(queries)
    ]
    text = json.dumps({"groups": [{"name": "dashboard", "rules": rules}]})
    checked = promtool("check", "rules", "/dev/stdin", text=text)
    assert checked.returncode == 0 and f"{len(queries)} rules" in checked.stdout, checked.stdout


def test_the_metrics_are_for_this_machine_only(site):
    with running(FakeBackend, workers=1) as other:
        nginx = other.stack.directory / "bff" / "bff-metrics.conf"
        nginx.write_text(nginx.read_text().replace("allow 127.0.0.1;", "allow 127.0.0.2;"))
        other.stack.nginx.signal(signal.SIGHUP)
        answer = until(
            lambda: (a := other.browser().get("/bff-metrics")).status != 200 and a, 10, "a refusal"
        )
        assert (answer.status, answer.code) == (404, "not_found")


def differences(before, after):
    """What has changed, but for what changes all the time."""
    passing = ("duration_seconds", "connections", "cache_", "start_time", "parked_requests")
    changed = {name: after.series[name] - value for name, value in before.series.items()}
    return {
        name.removeprefix("bffd_"): int(by)
        for name, by in changed.items()
        if by and not any(word in name for word in passing)
    }


def test_what_people_do_is_counted_once(site):
    before = Numbers(site)
    browser = site.signed_in()
    site.browser().sign_in(password="wrong")
    assert browser.get("/api/whoami/").status == 200
    assert browser.get("/api/whoami/", site="cross-site").status == 403
    site.backend.control(revoke_access=True)
    assert browser.get("/api/whoami/").status == 200  # refreshed and replayed
    assert browser.get("/bff/session").status == 200
    assert browser.sign_out().status == 204
    assert site.browser().get("/api/whoami/").status == 401
    assert differences(before, Numbers(site)) == {
        'requests_total{flow="login",outcome="ok"}': 1,
        'requests_total{flow="login",outcome="backend_refused"}': 1,
        'requests_total{flow="authorize",outcome="ok"}': 2,
        'requests_total{flow="authorize",outcome="csrf_failed"}': 1,
        'requests_total{flow="authorize",outcome="not_authenticated"}': 1,
        'requests_total{flow="renew",outcome="csrf_failed"}': 1,
        'requests_total{flow="renew",outcome="not_authenticated"}': 1,
        'requests_total{flow="renew",outcome="ok"}': 1,
        'requests_total{flow="session",outcome="ok"}': 1,
        'requests_total{flow="logout",outcome="ok"}': 1,
        'refreshes_total{verdict="granted"}': 1,
        "replays_total": 1,
        "sessions_created_total": 1,
        'sessions_ended_total{reason="signed_out"}': 1,
        'revocations_total{result="done"}': 1,
    }
    calls = [f'backend_duration_seconds_count{{call="{call}"}}' for call in ("login", "refresh")]
    assert [Numbers(site)[call] - before[call] for call in calls] == [2, 1]


def test_a_rejected_refresh_ends_a_session(site):
    browser, before = site.signed_in(), Numbers(site)
    site.backend.control(revoke_access=True, refresh={"status": 401})
    try:
        assert browser.get("/api/whoami/").status == 401
    finally:
        site.backend.control(refresh=None)
    changed = differences(before, Numbers(site))
    assert changed['refreshes_total{verdict="rejected"}'] == 1
    assert changed['sessions_ended_total{reason="rejected"}'] == 1


def test_an_outage_of_the_backend_is_seen(site):
    browser, before = site.signed_in(), Numbers(site)
    site.backend.control(revoke_access=True, refresh={"status": 503})
    try:
        assert browser.get("/api/whoami/").status == 503
        lost = "workers_without_backend"
        until(lambda: Numbers(site)[lost] >= 1, 5, "the breaker is open")
        changed = differences(before, Numbers(site))
        assert changed['refreshes_total{verdict="unavailable"}'] >= 1
        assert changed['backend_failures_total{call="refresh"}'] >= 1
    finally:
        site.backend.control(refresh=None)
    until(lambda: browser.get("/api/whoami/").status == 200, 10, "it refreshes again")


def test_counters_outlive_workers_and_gauges_do_not():
    with running(FakeBackend, workers=2) as site:
        browsers = [site.signed_in() for _ in range(6)]
        for browser in browsers:
            assert browser.get("/api/whoami/").status == 200
        until(lambda: Numbers(site)["cache_entries"] >= 1, 5, "sessions are in the caches")
        before = Numbers(site)
        for pid in site.stack.bffd.worker_pids():
            os.kill(pid, signal.SIGKILL)
        until(lambda: site.browser().get("/bff/ready").status == 200, 10, "new workers")
        until(lambda: Numbers(site)['workers{state="serving"}'] == 2, 10, "two of them")
        after = Numbers(site)
        assert after.requests("login", "ok") == before.requests("login", "ok") == 6
        assert after["sessions_created_total"] == 6
        assert after["worker_crashes_total"] == 2
        assert after["cache_entries"] == 0
        site.stack.bffd.reload()
        until(lambda: Numbers(site)['workers{state="draining"}'] == 0, 10, "the old ones are gone")
        assert Numbers(site)["sessions_created_total"] == 6
        assert Numbers(site)["worker_crashes_total"] == 2


def test_redis_lost_is_seen():
    with running(FakeBackend, workers=1) as site:
        until(lambda: Numbers(site)["workers_without_redis"] == 0, 5, "Redis is there")
        site.stack.redis.kill()
        until(lambda: Numbers(site)["workers_without_redis"] == 1, 5, "Redis is gone")
        assert site.browser(cookie="A" * 43).get("/api/whoami/").status == 503
        assert Numbers(site).requests("authorize", "session_store_unavailable") == 1
