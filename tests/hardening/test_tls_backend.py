"""Confined workers call a backend by its name, over TLS, with a certificate of one's own: that
takes name resolution, threads, randomness and the file that backend.ca_file names."""

import contextlib
import ssl

import pytest

import fullsite
from relay import Relay
from site_files import edit_ini, make_certificate
from until import until


class TlsRelay(Relay):
    """TLS on the client's side, plain on the other."""

    def begin(self, certificate):
        self.certificate, self.resumed = certificate, []
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(*certificate)

    def _serve(self, client):
        with contextlib.suppress(OSError):
            line = self._context.wrap_socket(client, server_side=True)
            self.resumed.append(line.session_reused)
            super()._serve(line)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    directory = tmp_path_factory.mktemp("tls")
    with fullsite.running(fullsite.FakeBackend) as site:
        with TlsRelay(("127.0.0.1", site.backend.port)) as relay:
            relay.begin(make_certificate(directory))
            site.certificate, site.relay = relay.certificate[0], relay
            settings = {"backend.url": f"https://localhost:{relay.port}"}
            settings["backend.ca_file"] = str(site.certificate)
            config = site.stack.bffd.config
            config.write_text(edit_ini(config.read_text(), settings))
            site.stack.bffd.reload()
            yield site


def test_people_sign_in_over_tls(site):
    before = len(site.relay.sent())
    assert site.browser().sign_in().status == 200
    assert len(site.relay.sent()) > before


def test_refreshes_have_connections_of_their_own_and_take_up_tls_sessions(site):
    """A refresh is never sent on a connection that may have died; the handshake is the short one."""
    browser, threads = site.signed_in(), 2 * 8
    before = len(site.relay.resumed)
    for _ in range(2 * threads):
        site.backend.control(revoke_access=True)
        assert browser.get("/api/whoami/").status == 200
    handshakes = site.relay.resumed[before:]
    assert len(handshakes) >= 2 * threads
    assert sum(handshakes) >= threads


def test_a_certificate_that_ca_file_does_not_vouch_for_is_refused(site, tmp_path):
    good = site.relay.certificate
    site.relay.begin(make_certificate(tmp_path))
    assert site.browser().sign_in().status == 502
    site.relay.begin(good)


def test_a_certificate_that_was_replaced_is_trusted_without_a_reload(site, tmp_path):
    certificate, key = make_certificate(tmp_path)
    before = site.stack.bffd.worker_pids()
    site.relay.begin((certificate, key))
    new = site.certificate.with_suffix(".new")
    new.write_bytes(certificate.read_bytes())
    new.replace(site.certificate)
    until(lambda: not set(before) & set(site.stack.bffd.worker_pids()), 20, "new workers")
    assert site.browser().sign_in().status == 200
    assert site.events("workers_renewed")
