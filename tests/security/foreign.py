"""Web servers of other origins, over https, for pages that attack."""

import contextlib
import http.server
import ssl
import threading


class ForeignSite:
    """Answers every path with what it was told to, and notes who came with what."""

    def __init__(self, certificate, key):
        site = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *args):
                pass

            def do_GET(self):
                site.visits.append((self.path, dict(self.headers.items())))
                body, headers = site.pages.get(self.path.partition("?")[0], ("", []))
                self.send_response(200)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Content-Length", str(len(body.encode())))
                for name, value in headers:
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body.encode())

        self.pages, self.visits = {}, []
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.port = self._server.server_port

    def page(self, path, body, *headers):
        self.pages[path] = (f"<!doctype html><title>{path}</title>{body}", headers)

    @contextlib.contextmanager
    def running(self):
        serving = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        serving.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()
            serving.join()
