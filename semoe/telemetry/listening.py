"""A web server on all addresses of a machine, IPv6 and IPv4: pods of some clusters have but one of the two.

Called by `semoe.telemetry.server`. It knows nothing of metrics.
"""

import errno
import socket
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

_NO_IPV6 = (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL, errno.ENOPROTOOPT, errno.EPROTONOSUPPORT)


def bound_everywhere(port: int) -> WSGIServer:
    """Returns a server on both kinds of addresses, on IPv4 alone where the machine knows no other (ipv6.disable=1).

    Raises:
        OSError: the port cannot be had.
        OverflowError: there is no such port.
    """
    try:
        return _DualServer((_DualServer.everywhere, port), _Silent)
    except OSError as error:
        if error.errno not in _NO_IPV6:
            raise
    return _Server((_Server.everywhere, port), _Silent)


class _Server(ThreadingMixIn, WSGIServer):
    """A thread for each scrape, on all IPv4 addresses."""

    daemon_threads = True
    everywhere = "0.0.0.0"  # noqa: S104

    def server_bind(self) -> None:
        """Binds without asking a name server what this machine is called, which may take seconds in a pod."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = self.everywhere, self.server_address[1]
        self.setup_environ()


class _DualServer(_Server):
    """The same on all IPv6 addresses too: a pod may have no other."""

    address_family = socket.AF_INET6
    everywhere = "::"

    def server_bind(self) -> None:
        """Binds for both, whatever the machine's default (net.ipv6.bindv6only) says."""
        self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        super().server_bind()


class _Silent(WSGIRequestHandler):
    """Writes no line to the log for each scrape."""

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  (the name that it is called with)
        """Says nothing."""
