"""One embedded Valkey, the broker of the one-command run. Nothing that may not be lost lives in it."""

import contextlib
import os
import signal
import socket
import subprocess
from pathlib import Path

from mes.embedded import linux
from mes.embedded.folders import private_folder, remove_replacement, short_socket_folder
from mes.embedded.programs import valkey_program


class Valkey:
    stop_signal = signal.SIGTERM

    def __init__(self, home: Path) -> None:
        self.folder = home.resolve() / "valkey"
        self.sockets = short_socket_folder(home.resolve() / "valkey-run", uid=os.geteuid())
        self.socket = self.sockets / "valkey.sock"
        self.program = valkey_program()

    def url(self, number: int = 0) -> str:
        """As Celery writes it; the path is taken literally."""
        return f"redis+socket://{self.socket}?virtual_host={number}"

    def spawn(self, log: Path) -> "subprocess.Popen[bytes]":
        """Start the server; it writes to `log` and stops when the calling thread ends."""
        private_folder(self.folder)
        private_folder(self.sockets)
        command = [str(self.program), "--port", "0", "--unixsocket", str(self.socket), "--unixsocketperm", "700"]
        command += ["--dir", str(self.folder), "--appendonly", "yes", "--maxmemory-policy", "noeviction", "--save", ""]
        with log.open("ab") as out:
            return subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                cwd="/",
                start_new_session=True,
                preexec_fn=lambda: linux.die_with_parent(signal.SIGTERM),
            )

    def ready(self) -> bool:
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(1)
            connection.connect(str(self.socket))
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"+PONG")
        return False

    def tidy(self) -> None:
        """To be called once the server has ended."""
        remove_replacement(self.sockets, self.folder.parent)
