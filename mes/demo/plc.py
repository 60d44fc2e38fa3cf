"""A simulated machine controller: registers behind a real Modbus socket, and a machine that moves them. No database."""

import asyncio
import random
import struct
from contextlib import suppress
from dataclasses import dataclass, field

OFF, RUN, STOP, FAULT, SETUP, STARVED = 0, 1, 2, 3, 4, 5
CODES = {"0": "OFF", "1": "RUN", "2": "STOP", "3": "FAULT", "4": "SETUP", "5": "STARVED"}
#: Where what lies, in holding registers.
STATE, GOOD, SCRAP, LOAD, TEMPERATURE, LAST = 0, 1, 2, 3, 5, 6
#: What may come over a machine in a second of running: chance, state, shortest and longest seconds.
TROUBLES = [(0.0025, FAULT, 25, 70), (0.004, STARVED, 8, 30), (0.008, STOP, 2, 6)]


@dataclass
class Job:
    """What the machine is set to make: how many more, and how long each takes. `set_up`: it is being prepared."""

    id: int
    left: int
    seconds: float
    set_up: bool = False


@dataclass
class Machine:
    """One machine. Its counters have 16 bits and go on for years, so they start anywhere and wrap."""

    dice: random.Random
    good: int
    scrap: int = 0
    state: int = STOP
    job: Job | None = None
    registers: dict[int, int] = field(default_factory=dict)
    _until_piece: float = 0.0
    _trouble: float = 0.0

    def tick(self, seconds: float) -> None:
        """Let SECONDS pass."""
        self._trouble = max(0.0, self._trouble - seconds)
        if self.job is None:
            self.state = STOP
        elif self.job.set_up:
            self.state = SETUP
        elif self._trouble == 0:
            self._work(self.job, seconds)
        self._show()

    def _work(self, job: Job, seconds: float) -> None:
        if job.left <= 0:
            self.state = STOP
            return
        self.state = RUN
        self._until_piece -= seconds
        while self._until_piece <= 0 and job.left > 0:
            self._until_piece += job.seconds * self.dice.uniform(0.8, 1.25)
            job.left -= 1
            if self.dice.random() < 0.04:
                self.scrap += 1
            else:
                self.good += 1
            if job.left == 0 and self.dice.random() < 0.25:
                self.good += 1  # nobody stopped it in time: one more than was wanted
        self._until_piece = max(self._until_piece, 0.0)
        for chance, state, shortest, longest in TROUBLES:
            if self.dice.random() < chance * seconds:
                self.state, self._trouble = state, self.dice.uniform(shortest, longest)
                break

    def _show(self) -> None:
        running = self.state == RUN
        load = self.dice.gauss(64, 3) if running else self.dice.gauss(4, 0.5)
        high, low = struct.unpack(">2H", struct.pack(">f", max(load, 0.0)))
        before = self.registers.get(TEMPERATURE, 240)
        warm = 460 if running else 240
        self.registers = {
            STATE: self.state,
            GOOD: self.good & 0xFFFF,
            SCRAP: self.scrap & 0xFFFF,
            LOAD: low,  # the words the other way round, as many controllers send them
            LOAD + 1: high,
            TEMPERATURE: round(before + (warm - before) * 0.02 + self.dice.uniform(-1, 1)),
        }


class Controller:
    """Answers Modbus TCP for one machine on a port of its own; registers beyond LAST do not exist."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.port = 0
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                transaction, protocol, length, unit = struct.unpack(">HHHB", await reader.readexactly(7))
                body = await reader.readexactly(max(length - 1, 0))
                if protocol != 0 or len(body) < 5:
                    break
                answer = self._answer(body)
                writer.write(struct.pack(">HHHB", transaction, 0, len(answer) + 1, unit) + answer)
                await writer.drain()
        writer.close()

    def _answer(self, body: bytes) -> bytes:
        function, address, count = struct.unpack(">BHH", body[:5])
        if function not in (3, 4):
            return bytes([function | 0x80, 1])
        if not 1 <= count <= 125:
            return bytes([function | 0x80, 3])
        if address + count > LAST:
            return bytes([function | 0x80, 2])
        values = [self.machine.registers.get(place, 0) for place in range(address, address + count)]
        return bytes([function, 2 * count]) + struct.pack(f">{count}H", *values)
