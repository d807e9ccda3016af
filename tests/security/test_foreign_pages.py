"""Chromium, signed in to the site, visits pages of others: a stranger's and a sibling subdomain's."""

import json

import pytest

from browser import Chromium
from foreign import ForeignSite
from fullsite import FakeBackend, running
from until import until

DOMAIN, STRANGER = "example.test", "evil.test"
HOSTS = {"a sibling": f"evil.{DOMAIN}", "a stranger": STRANGER}
COOKIE = "__Host-session"


class Scene:
    """Our site as app.example.test, and a server that is all the others."""

    def __init__(self, site, other, chromium):
        self.site, self.other, self.chromium = site, other, chromium
        self.own = f"https://app.{DOMAIN}:{site.stack.nginx.port}"

    def url_of(self, host, path):
        return f"https://{host}:{self.other.port}{path}"

    def sign_in(self):
        tab = self.chromium.open_tab(self.own + "/")
        assert tab.evaluate("""fetch('/bff/login', {method: 'POST',
            headers: {'Content-Type': 'application/json'},
            body: JSON.stringify({username: 'alice', password: 'wonderland'})})
            .then((answer) => answer.status)""") == 200
        return tab

    def session(self, tab):
        return tab.evaluate("fetch('/bff/session').then((answer) => answer.json())")


@pytest.fixture(scope="module")
def scene():
    with running(FakeBackend, https=True, env={"access_seconds": 600}) as site:
        directory = site.stack.directory
        other = ForeignSite(directory / "localhost.pem", directory / "localhost.key")
        with other.running(), Chromium(domains=(DOMAIN, STRANGER)) as chromium:
            yield Scene(site, other, chromium)


@pytest.fixture
def signed_in(scene):
    return scene.sign_in()


def visit(scene, host, script):
    """A page of theirs, whose script sets window.done to what came of it."""
    scene.other.page("/attack", f"<script>(async () => {{ {script} }})()"
                     ".then((value) => { window.done = JSON.stringify(value ?? null); },"
                     " (error) => { window.done = JSON.stringify(`${error}`); })</script>")
    tab = scene.chromium.open_tab(scene.url_of(host, "/attack"))
    tab.wait_for("window.done !== undefined", 60, "the attack is over")
    return json.loads(tab.evaluate("window.done"))


def django_saw(scene, calls):
    return [(call["method"], call["path"]) for call in calls.all()]


hosts = pytest.mark.parametrize("host", HOSTS.values(), ids=HOSTS)


def test_our_own_page_may(scene, signed_in):
    """Else nothing below would show anything."""
    calls = scene.site.backend.calls_from_now()
    status = """fetch('/api/tasks/', {method: 'POST', body: '{}'}).then((answer) => answer.status)"""
    assert signed_in.evaluate(status) == 200
    assert django_saw(scene, calls) == [("POST", "/api/tasks/")]
    assert scene.session(signed_in)["authenticated"]


FETCHES = """
    const outcomes = {};
    for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'])
        for (const mode of ['cors', 'no-cors'])
            for (const path of ['/api/tasks/', '/bff/session', '/bff/logout', '/bff/login'])
                for (const headers of [{}, {'X-CSRF': '1'}, {'Content-Type': 'application/json'}]) {
                    const name = `${mode} ${method} ${path} ${JSON.stringify(headers)}`;
                    outcomes[name] = await fetch('%s' + path, {method, mode, headers,
                        credentials: 'include', body: 'GET HEAD'.includes(method) ? undefined : '{}'})
                        .then((a) => a.type === 'opaque' ? 'opaque' : 'readable', () => 'refused');
                }
    return outcomes;
"""


@hosts
def test_fetch_of_a_foreign_page_does_nothing_and_reads_nothing(scene, signed_in, host):
    calls = scene.site.backend.calls_from_now()
    outcomes = visit(scene, host, FETCHES % scene.own)
    assert len(outcomes) == 6 * 2 * 4 * 3
    assert "readable" not in outcomes.values()
    assert set(outcomes.values()) == {"opaque", "refused"}
    assert django_saw(scene, calls) == []
    assert scene.session(signed_in)["authenticated"]


LOADS = """
    // Some kinds tell their page nothing, whatever becomes of them.
    const telling = ['image', 'script', 'style', 'preload'];
    const load = (name, make) => new Promise((resolve) => {
        const element = make();
        element.onload = () => resolve('loaded');
        element.onerror = () => resolve('failed');
        document.body.append(element);
        setTimeout(() => resolve('neither'), telling.includes(name) ? 50000 : 3000);
    });
    document.body ?? document.documentElement.append(document.createElement('body'));
    const own = '%s', kinds = {
        image: () => Object.assign(new Image(), {src: own + '/api/image'}),
        script: () => Object.assign(document.createElement('script'), {src: own + '/api/script'}),
        style: () => Object.assign(document.createElement('link'),
            {rel: 'stylesheet', href: own + '/api/style'}),
        object: () => Object.assign(document.createElement('object'), {data: own + '/api/object'}),
        frame: () => Object.assign(document.createElement('iframe'), {src: own + '/api/frame'}),
        preload: () => Object.assign(document.createElement('link'),
            {rel: 'preload', as: 'fetch', href: own + '/api/preload', crossOrigin: 'use-credentials'}),
        video: () => Object.assign(document.createElement('video'), {src: own + '/api/video'}),
        track: () => Object.assign(document.createElement('embed'), {src: own + '/api/embed'}),
    };
    const outcomes = {};
    await Promise.all(Object.entries(kinds).map(async ([name, make]) => {
        outcomes[name] = await load(name, make);
    }));
    navigator.sendBeacon(own + '/api/beacon', '{}');
    return outcomes;
"""


@hosts
def test_what_a_foreign_page_embeds_never_reaches_django(scene, signed_in, host):
    calls = scene.site.backend.calls_from_now()
    outcomes = visit(scene, host, LOADS % scene.own)
    assert {outcomes[kind] for kind in ("image", "script", "style", "preload")} == {"failed"}
    assert django_saw(scene, calls) == []
    assert scene.session(signed_in)["authenticated"]


FORMS = [("POST", "/bff/logout", "application/x-www-form-urlencoded"),
         ("POST", "/bff/login", "text/plain"),
         ("POST", "/bff/login", "multipart/form-data"),
         ("POST", "/api/tasks/", "text/plain"),
         ("POST", "/api/token/", "text/plain"),
         ("GET", "/api/tasks/", "")]


@hosts
@pytest.mark.parametrize("method, path, kind", FORMS)
def test_a_form_of_a_foreign_page_is_refused(scene, signed_in, host, method, path, kind):
    """Even where the cookie came along, which SameSite=Strict prevents for strangers only."""
    calls = scene.site.backend.calls_from_now()
    scene.other.page("/form", f"""
        <form method="{method}" action="{scene.own}{path}" enctype="{kind}">
        <input name="username" value="bob"><input name="password" value="builder"></form>
        <script>document.forms[0].submit()</script>""")
    tab = scene.chromium.open_tab(scene.url_of(host, "/form"))
    tab.wait_for(f"location.host === '{scene.own[8:]}' && document.readyState === 'complete'")
    assert json.loads(tab.text())["code"] in ("csrf_failed", "token_endpoint")
    assert django_saw(scene, calls) == []
    assert scene.session(signed_in)["user"]["username"] == "alice"


@hosts
def test_a_websocket_of_a_foreign_page_is_refused(scene, signed_in, host):
    calls = scene.site.backend.calls_from_now()
    script = """
        return await new Promise((resolve) => {
            const socket = new WebSocket('%s/api/ws/');
            socket.onopen = () => resolve('open');
            socket.onerror = () => resolve('refused');
        });
    """
    own = scene.own.replace("https", "wss")
    assert visit(scene, host, script % own) == "refused"
    assert django_saw(scene, calls) == []
    opened = """new Promise((resolve) => {
        const socket = new WebSocket('%s/api/ws/');
        socket.onopen = () => { socket.close(); resolve('open'); };
        socket.onerror = () => resolve('refused');
    })"""
    assert signed_in.evaluate(opened % own) == "open"


@hosts
def test_the_page_shows_itself_in_nobody_elses_frame(scene, signed_in, host):
    """frame-ancestors 'none' and X-Frame-Options: no clicks to be had."""
    scene.other.page("/frame", f'<iframe id="f" src="{scene.own}/"></iframe>')
    tab = scene.chromium.open_tab(scene.url_of(host, "/frame"))
    until(lambda: [c for c in tab.complaints if "frame" in c.lower()], 10, "Chromium refuses it")
    refused = [c for c in tab.complaints if "frame" in c.lower()]
    assert any("frame-ancestors" in text or "X-Frame-Options" in text for text in refused), refused


@hosts
def test_a_window_that_a_foreign_page_opens_is_out_of_its_hands(scene, signed_in, host):
    """Cross-Origin-Opener-Policy: it holds no reference to the page."""
    script = f"""
        const opened = window.open('{scene.own}/');
        if (!opened) return 'none';
        for (let i = 0; i < 100 && !opened.closed; i++)
            await new Promise((resolve) => setTimeout(resolve, 50));
        return opened.closed ? 'severed' : 'held';
    """
    scene.other.page("/open", f"""<button>go</button><script>
        document.querySelector('button').onclick = async () => {{
            window.done = await (async () => {{ {script} }})(); }};</script>""")
    tab = scene.chromium.open_tab(scene.url_of(host, "/open"))
    tab.click("button")
    tab.wait_for("window.done !== undefined")
    assert tab.evaluate("window.done") == "severed"


def test_a_link_from_elsewhere_shows_the_page_but_calls_no_api(scene, signed_in):
    """A GET that changes something, which there should not be, cannot be had by a link."""
    calls = scene.site.backend.calls_from_now()
    scene.other.page("/link", f'<a href="{scene.own}/api/delete-everything">look</a>')
    tab = scene.chromium.open_tab(scene.url_of(STRANGER, "/link"))
    tab.click("a")
    tab.wait_for(f"location.host === '{scene.own[8:]}' && document.readyState === 'complete'")
    assert json.loads(tab.text())["code"] == "csrf_failed"
    assert django_saw(scene, calls) == []


PLANTED = [
    f"{COOKIE}=AAAA; Domain={DOMAIN}; Path=/; Secure",
    f"{COOKIE}=AAAA; Domain=app.{DOMAIN}; Path=/; Secure",
    f"{COOKIE}=AAAA; Domain={DOMAIN}; Path=/api/; Secure",
    f"{COOKIE}=AAAA; Path=/; Secure",
    f"{COOKIE.upper()}=AAAA; Domain={DOMAIN}; Path=/; Secure",
    f"={COOKIE}=AAAA; Domain={DOMAIN}; Path=/; Secure",
    f"{COOKIE} =AAAA; Domain={DOMAIN}; Path=/; Secure",
]


def test_a_sibling_subdomain_can_neither_set_nor_read_the_cookie(scene, signed_in):
    """By header and by script: what it may set under its domain is not the session's."""
    tab = scene.sign_in()
    before = session_cookies(tab)
    assert len(before) == 1
    sibling = HOSTS["a sibling"]
    scene.other.page("/plant", "", *[("Set-Cookie", cookie) for cookie in PLANTED])
    theirs = scene.chromium.open_tab(scene.url_of(sibling, "/plant"))
    for cookie in PLANTED:
        theirs.evaluate(f"document.cookie = {json.dumps(cookie)}")
    assert before[0]["value"] not in theirs.evaluate("document.cookie")
    theirs.go(scene.url_of(sibling, "/read"))
    assert before[0]["value"] not in json.dumps(scene.other.visits)
    assert session_cookies(tab) == before
    assert scene.session(tab)["authenticated"], "what it did plant does not get in the way"
    assert tab.evaluate("document.cookie").count(before[0]["value"]) == 0


def session_cookies(tab):
    """Those that a browser would send to our site under the session's name."""
    return [
        {field: cookie[field] for field in ("name", "value", "domain", "httpOnly", "sameSite")}
        for cookie in tab.cookies()
        if cookie["name"] == COOKIE and cookie["domain"].lstrip(".") == f"app.{DOMAIN}"
    ]


def test_a_planted_cookie_of_the_whole_domain_signs_nobody_in(scene):
    """Nor out: a visitor who has no session yet signs in as ever."""
    scene.other.page("/plant", "", *[("Set-Cookie", cookie) for cookie in PLANTED])
    scene.chromium.open_tab(scene.url_of(HOSTS["a sibling"], "/plant"))
    tab = scene.sign_in()
    assert scene.session(tab)["user"]["username"] == "alice"
