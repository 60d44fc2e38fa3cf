"""Modbus servers for the tests: two that nobody here wrote, and one of ours that misbehaves on demand. No test."""

import asyncio
import os
import shutil
import socket
import struct
import subprocess
import tempfile
import threading
import time
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

PEERS = Path(__file__).with_name("peers")
_CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()) / "floor-mes-tests"


def in_a_loop_of_its_own(work: Coroutine[Any, Any, Any]) -> Any:
    """Run WORK in a thread: Playwright's synchronous API leaves a running loop in the thread of the tests."""
    with ThreadPoolExecutor(1) as one:
        return one.submit(asyncio.run, work).result()


class Missing(Exception):
    """A peer cannot be had here; the text says why."""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def _until_it_listens(port: int, process: "subprocess.Popen[bytes]") -> None:
    for _try in range(100):
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.2):
            return
        assert process.poll() is None, "the peer ended at once"
        time.sleep(0.05)
    raise AssertionError("the peer does not listen")


@contextmanager
def _running(words: list[str], port: int, env: dict[str, str] | None = None) -> Iterator[int]:
    process = subprocess.Popen(words, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _until_it_listens(port, process)
        yield port
    finally:
        process.kill()
        process.wait()


def libmodbus_program(folder: Path) -> Path:
    """The server around Debian's libmodbus, compiled here. Raises `Missing`."""
    if shutil.which("gcc") is None:
        raise Missing("no gcc here")
    if not Path("/usr/include/modbus/modbus.h").exists():
        if os.geteuid() != 0 or shutil.which("apt-get") is None:
            raise Missing("libmodbus-dev is not installed, and only root could install it")
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "check": False}
        installed = subprocess.run(["apt-get", "install", "-y", "-qq", "libmodbus-dev"], **quiet)
        if installed.returncode:
            raise Missing("apt-get cannot install libmodbus-dev")
    program = folder / "libmodbus_server"
    words = ["gcc", "-O2", "-I/usr/include/modbus", str(PEERS / "libmodbus_server.c"), "-o", str(program), "-lmodbus"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return program


@contextmanager
def libmodbus(seconds: int = 120) -> Iterator[int]:
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="mes-peer-") as folder:
        program = libmodbus_program(Path(folder))
        with _running([str(program), str(port), str(seconds)], port):
            yield port


@contextmanager
def modbus_serial(seconds: int = 120) -> Iterator[int]:
    """The npm package modbus-serial, installed once into a cache. Raises `Missing`."""
    if shutil.which("npm") is None or shutil.which("node") is None:
        raise Missing("no npm here")
    home = _CACHE / "modbus-serial-8"
    if not (home / "node_modules" / "modbus-serial").is_dir():
        home.mkdir(parents=True, exist_ok=True)
        words = ["npm", "install", "--no-audit", "--no-fund", "--omit=optional", "--prefix", str(home)]
        done = subprocess.run([*words, "modbus-serial@8"], capture_output=True, text=True, check=False)
        if done.returncode:
            raise Missing(f"npm cannot install modbus-serial: {done.stderr.strip()[-200:]}")
    port = free_port()
    words = ["node", str(PEERS / "modbus_serial_server.mjs"), str(port), str(seconds)]
    with _running(words, port, os.environ | {"JS_PEERS": str(home)}):
        yield port


class FaultServer:
    """Holding register n holds n, until `mode` says otherwise. `registers` overrides; `absent` are refused with code 2.

    Modes: ok, silent, slow, short, garbage, exception, reset, half_open, wrong_transaction, wrong_unit, dribble.
    """

    def __init__(self, port: int = 0) -> None:
        self.port = port
        self.mode = "ok"
        self.code = 6
        self.delay = 0.4
        self.registers: dict[int, int] = {}
        self.absent: set[int] = set()
        self.asked: list[tuple[int, int]] = []
        self.connections = 0
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """As if the plug were pulled: nobody listens, and open connections are reset."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in list(self._writers):
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.add(writer)
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                header = await reader.readexactly(7)
                transaction, _protocol, length, unit = struct.unpack(">HHHB", header)
                body = await reader.readexactly(length - 1)
                await self._answer(writer, transaction, unit, body)
        self._writers.discard(writer)

    async def _answer(self, writer: asyncio.StreamWriter, transaction: int, unit: int, body: bytes) -> None:
        function, address, count = struct.unpack(">BHH", body[:5])
        self.asked.append((address, count))
        values = [self.registers.get(place, place) & 0xFFFF for place in range(address, address + count)]

        def frame(values: list[int] = values, transaction: int = transaction, unit: int = unit) -> bytes:
            data = struct.pack(f">{len(values)}H", *values)
            return struct.pack(">HHHBBB", transaction, 0, 3 + len(data), unit, function, len(data)) + data

        def refusal(code: int) -> bytes:
            return struct.pack(">HHHBBB", transaction, 0, 3, unit, function | 0x80, code)

        mode = self.mode
        if mode in ("silent", "half_open"):
            return
        if mode == "reset":
            writer.transport.abort()
            return
        if mode == "slow":
            await asyncio.sleep(self.delay)
        if mode == "exception":
            writer.write(refusal(self.code))
        elif self.absent & set(range(address, address + count)):
            writer.write(refusal(2))
        elif mode == "garbage":
            writer.write(bytes(range(200, 230)))
        elif mode == "short":
            writer.write(frame(values[:-1]))
        elif mode == "wrong_transaction":
            writer.write(frame(transaction=(transaction + 5) & 0xFFFF))
        elif mode == "wrong_unit":
            writer.write(frame(unit=unit + 1))
        elif mode == "dribble":
            for byte in frame():
                writer.write(bytes([byte]))
                await asyncio.sleep(0.002)
        else:
            writer.write(frame())
        await writer.drain()


class ThreadedFaultServer(FaultServer):
    """The same in a thread of its own, for tests whose own thread blocks."""

    def __enter__(self) -> "ThreadedFaultServer":
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.loop.run_forever, daemon=True).start()
        asyncio.run_coroutine_threadsafe(self.start(), self.loop).result(5)
        return self

    def __exit__(self, *_error: object) -> None:
        asyncio.run_coroutine_threadsafe(self.stop(), self.loop).result(5)
        self.loop.call_soon_threadsafe(self.loop.stop)
