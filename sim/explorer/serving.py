"""The live page behind an address of this machine, for this machine only.

The server listens on the loopback interface. A page elsewhere that has its name resolve to this machine, or that opens
a socket to it, still names itself in `Host` or `Origin`: whoever is not this machine by name is refused.
"""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable
from typing import Any, Final

from sim.errors import UsageError
from sim.explorer.state import Subject

ADDRESS: Final = "127.0.0.1"
PORT: Final = 5006
PORT_MAX: Final = 65_535
MAIN: Final = '{% block contents %}<main id="main">{{ super() }}</main>{% endblock %}'
"""All that is shown is the main part of the page: who reads it by its landmarks finds it."""


def free_port(port: int) -> int:
    """Return `port`, or for 0 one that is free.

    Raises:
        UsageError: somebody listens there already, or may not be listened there.
    """
    if not 0 <= port <= PORT_MAX:
        raise UsageError(f"--port {port}: ports run from 1 to {PORT_MAX:,}; 0 takes any that is free")
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((ADDRESS, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise UsageError(f"port {port} is taken", "give --port another, or --port 0 for any free one") from None
            why = error.strerror or str(error)
            raise UsageError(f"cannot listen on port {port}: {why}", "--port 0 takes one that is free") from None
        return int(probe.getsockname()[1])


def served(subject: Subject, port: int) -> tuple[Any, str]:
    """Return a server that has yet to be started with `run_until_shutdown`, and the address of the page."""
    import panel as pn

    from sim.explorer.style import PAGE
    from sim.explorer.view import Explorer

    pn.config.raw_css = [PAGE]
    port = free_port(port)
    address = f"http://{ADDRESS}:{port}/"

    def page() -> Explorer:
        location = pn.state.location
        pn.state.curdoc.template = MAIN
        return Explorer(subject, query=location.search if location else "", address=address)

    hosts = [f"{ADDRESS}:{port}", f"localhost:{port}"]
    title = f"{subject.scenario.title or subject.origin.title} – leasesim"
    server = pn.io.server.get_server(
        page, port=port, address=ADDRESS, websocket_origin=hosts, title=title, start=False, show=False
    )
    _guard(server, hosts)
    _explain(server, address)
    return server, address


def _guard(server: Any, hosts: list[str]) -> None:
    """Answer only requests that ask for this machine by a name of its own."""
    from tornado.web import ErrorHandler

    application = server._tornado
    find: Callable[..., Any] = application.find_handler

    def guarded(request: Any, **options: Any) -> Any:
        if request.host in hosts:
            return find(request, **options)
        return application.get_handler_delegate(request, ErrorHandler, {"status_code": 403})

    application.find_handler = guarded


def _explain(server: Any, address: str) -> None:
    """Say why an address cannot be read, such as one of more than 1,000 settings: Tornado itself says nothing."""
    from tornado.httputil import HTTPHeaders, HTTPInputError, HTTPMessageDelegate, ResponseStartLine

    application = server._tornado
    start: Callable[..., Any] = application.start_request

    class Explained(HTTPMessageDelegate):
        """Hands a request on unless it cannot be read."""

        def __init__(self, inner: Any, connection: Any) -> None:
            self.inner, self.connection = inner, connection

        def headers_received(self, start_line: Any, headers: Any) -> Any:
            try:
                return self.inner.headers_received(start_line, headers)
            except HTTPInputError as error:
                self.inner = HTTPMessageDelegate()
                words = f"This address cannot be read: {error}. A link of the live page names each setting once.\n"
                text = f"{words}Take the link from the page again, or begin anew: {address}\n".encode()
                said = {"Content-Type": "text/plain; charset=utf-8", "Content-Length": str(len(text))}
                self.connection.write_headers(ResponseStartLine("", 400, "Bad Request"), HTTPHeaders(said), text)
                self.connection.finish()
                return None

        def data_received(self, chunk: bytes) -> Any:
            return self.inner.data_received(chunk)

        def finish(self) -> None:
            self.inner.finish()

        def on_connection_close(self) -> None:
            self.inner.on_connection_close()

    application.start_request = lambda server_conn, conn: Explained(start(server_conn, conn), conn)
