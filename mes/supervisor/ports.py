"""Listening sockets that the supervisor opens and keeps, so that a restart of the web loses no connection."""

import contextlib
import errno
import socket

from mes.supervisor.instance import Refusal


def listen(host: str, port: int) -> socket.socket:
    """A listening socket. Raises Refusal when the port is taken, forbidden, or the address is not of this machine."""
    try:
        family, kind, proto, _name, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except OSError as error:
        raise Refusal(f"{host} is no address of this machine: choose another with --host.") from error
    listener = socket.socket(family, kind, proto)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # accepted connections inherit it
    try:
        listener.bind(address)
        listener.listen(512)
    except PermissionError as error:
        listener.close()
        raise Refusal(f"Port {port} is reserved for root: choose one above 1023 with --port.") from error
    except OSError as error:
        listener.close()
        reason = (
            "is taken by another program" if error.errno == errno.EADDRINUSE else f"cannot be used ({error.strerror})"
        )
        raise Refusal(f"Port {port} on {host} {reason}: choose another with --port.") from error
    return listener


def listen_near(host: str, port: int) -> socket.socket:
    """A listening socket on the next free port above `port`, or on any free one."""
    for candidate in range(port + 1, min(port + 10, 65536)):
        with contextlib.suppress(Refusal):
            return listen(host, candidate)
    return listen(host, 0)


def names_of_this_machine(host: str) -> list[str]:
    """The host names that a browser may rightly use to reach `host`; the pages answer to no other."""
    names = {"127.0.0.1", "localhost", "[::1]"}
    if host in {"0.0.0.0", "::", ""}:  # noqa: S104 - what the caller of run.py chose
        names |= {socket.gethostname(), socket.getfqdn()}
        with contextlib.suppress(OSError):
            names |= {str(info[4][0]) for info in socket.getaddrinfo(socket.gethostname(), None)}
        for family, far in ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1")):
            # Connecting a datagram socket sends nothing; it only chooses the address we would be seen with.
            with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
                probe.connect((far, 9))
                names.add(str(probe.getsockname()[0]))
    else:
        names.add(host)
    return sorted(f"[{name}]" if ":" in name and not name.startswith("[") else name for name in names if name)
