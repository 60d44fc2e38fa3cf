"""Modbus TCP, by pymodbus, which is imported nowhere else: its API has moved before.

Retries and time-outs stay inside pymodbus: a call cancelled from outside would leave its answer in flight for the next.
"""

import asyncio
import logging
import socket
import time
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from pymodbus.client import AsyncModbusTcpClient
from pymodbus.exceptions import ModbusException

from devices.drivers.base import BadConfig, Block, Driver, Limits, Quality, Sample, Step, TagSpec, Unreachable
from devices.drivers.decoding import ORDERS, TYPES, decode, judged
from devices.drivers.modbus_plan import BIT_TABLES, Hole, gaps, limit, plan_blocks, size

# Its frame dumps at every failed read would fill the log of a plant with one dead device.
logging.getLogger("pymodbus").setLevel(logging.CRITICAL)

#: Failures in a row after which the connection is given up and made anew.
GIVE_UP_AFTER = 2
#: Seconds for which a range that the device refuses as wrongly configured is left alone.
REST = 300.0
#: Modbus exception code → (quality, word). Codes 1 to 3 are answers about our configuration.
EXCEPTIONS: dict[int, tuple[Quality, str]] = {
    1: (Quality.BAD_CONFIG, "function_refused"),
    2: (Quality.BAD_CONFIG, "address_refused"),
    3: (Quality.BAD_CONFIG, "value_refused"),
    4: (Quality.BAD_DEVICE, "device_failure"),
    5: (Quality.BAD_DEVICE, "device_busy"),
    6: (Quality.BAD_DEVICE, "device_busy"),
    10: (Quality.BAD_COMM, "gateway_no_path"),
    11: (Quality.BAD_COMM, "gateway_no_answer"),
}
_READ = {
    "HOLDING": "read_holding_registers",
    "INPUT": "read_input_registers",
    "COIL": "read_coils",
    "DISCRETE": "read_discrete_inputs",
}


class ModbusTcp(Driver):
    """All unit ids behind one host and port: one connection, one request at a time."""

    slug: ClassVar[str] = "modbus_tcp"
    label: ClassVar[str] = "Modbus TCP"
    tables: ClassVar[tuple[str, ...]] = tuple(_READ)
    data_types: ClassVar[tuple[str, ...]] = tuple(TYPES)

    def __init__(
        self,
        host: str,
        port: int = 502,
        *,
        timeout: float = 1.0,
        retries: int = 1,
        limits: Limits | None = None,
        wall: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__()
        self.host, self.port = host, port
        self.limits = limits or Limits()
        self._timeout, self._retries = timeout, retries
        self._wall, self._clock = wall, clock
        self._client: AsyncModbusTcpClient | None = None
        self._failed = 0
        self._holes: set[Hole] = set()
        self._alone: set[int] = set()
        self._resting: dict[tuple[int, str, int, int], tuple[float, str]] = {}
        #: Rises whenever what was learned of the device asks for another plan.
        self.lessons = 0

    @classmethod
    def check(cls, tag: TagSpec, limits: Limits) -> None:
        if tag.table not in _READ:
            raise BadConfig(f"table {tag.table}")
        if tag.data_type not in TYPES or (tag.table in BIT_TABLES and tag.data_type != "BOOL"):
            raise BadConfig(f"data type {tag.data_type}")
        if tag.order not in ORDERS:
            raise BadConfig(f"byte order {tag.order}")
        if tag.bit is not None and not (0 <= tag.bit <= 15 and TYPES[tag.data_type][0] == 1):
            raise BadConfig(f"bit {tag.bit}")
        if not 0 <= tag.unit <= 255:
            raise BadConfig(f"unit {tag.unit}")
        if not 0 <= tag.address <= 65536 - size(tag):
            raise BadConfig(f"address {tag.address}")
        if size(tag) > limit(tag.table, limits):
            raise BadConfig(f"limit {limit(tag.table, limits)}")

    @property
    def is_open(self) -> bool:
        return self._client is not None and self._client.connected

    async def open(self) -> None:
        await self.close()
        # No reconnecting of its own: the collector decides when, and spreads a thousand of them out.
        client = AsyncModbusTcpClient(
            self.host, port=self.port, timeout=self._timeout, retries=self._retries, reconnect_delay=0
        )
        self.traffic.connects += 1
        try:
            connected = await client.connect()
        except OSError as error:
            raise Unreachable(str(error)) from error
        if not connected:
            client.close()
            raise Unreachable(f"{self.host}:{self.port}")
        _keep_alive(client)
        self._client, self._failed = client, 0

    def plan(self, tags: Sequence[TagSpec]) -> list[Block]:
        return plan_blocks(tags, self.limits, self._holes, self._alone)

    async def read(self, block: Block) -> list[Sample]:
        key = (block.unit, block.table, block.address, block.count)
        until, why = self._resting.get(key, (0.0, ""))
        if until > self._clock():
            return self._bad(block, Quality.BAD_CONFIG, why)
        answer = await self._ask(block)
        if isinstance(answer, list):
            return self._decoded(block, answer)
        quality, why = answer
        if quality is Quality.BAD_CONFIG:
            if len(block.tags) > 1:
                return await self._in_pieces(block)
            self._resting[key] = (self._clock() + REST, why)
        return self._bad(block, quality, why)

    async def _ask(self, block: Block) -> list[int] | tuple[Quality, str]:
        """The places of BLOCK, or the quality and the word for what came instead."""
        client = self._client
        if client is None or not client.connected:
            return Quality.BAD_COMM, "not_connected"
        self.traffic.requests += 1
        try:
            call = getattr(client, _READ[block.table])
            answer: Any = await call(block.address, count=block.count, device_id=block.unit)
        except (ModbusException, OSError, ValueError):
            return await self._silent()
        if answer.isError():
            code = getattr(answer, "exception_code", None)
            if code is None:
                return await self._silent()
            self._failed = 0  # it speaks: a healthy connection
            return EXCEPTIONS.get(code, (Quality.BAD_DEVICE, "device_failure"))
        self._failed = 0
        places = answer.bits[: block.count] if block.table in BIT_TABLES else answer.registers
        if len(places) != block.count:  # a self-consistent but shorter frame comes without an error
            self.traffic.failures += 1
            return Quality.BAD_DEVICE, "short_answer"
        return [int(place) for place in places]

    async def _silent(self) -> tuple[Quality, str]:
        self.traffic.failures += 1
        self._failed += 1
        if self._failed >= GIVE_UP_AFTER:
            await self.close()
        return Quality.BAD_COMM, "no_answer"

    async def _in_pieces(self, block: Block) -> list[Sample]:
        """A range the device refuses as a whole: without its gaps first, then tag by tag; what is learned is kept."""
        holes = set(gaps(block)) - self._holes
        if holes:
            self._holes |= holes
        else:
            self._alone |= {tag.id for tag in block.tags}
        self.lessons += 1
        found: list[Sample] = []
        for piece in self.plan(block.tags):
            found += await self.read(piece)
        return found

    def _decoded(self, block: Block, places: list[int]) -> list[Sample]:
        now, found = self._wall(), []
        for tag in block.tags:
            start = tag.address - block.address
            words = places[start : start + size(tag)]
            value = words[0] if block.table in BIT_TABLES else decode(words, tag.data_type, tag.order, tag.bit)
            number, quality, why = judged(value)
            found.append(Sample(tag.id, number, now, quality, why))
        return found

    def _bad(self, block: Block, quality: Quality, why: str) -> list[Sample]:
        now = self._wall()
        return [Sample(tag.id, None, now, quality, why) for tag in block.tags]

    async def registers(self, unit: int, table: str, address: int, count: int) -> list[int] | None:
        """Raw places, for the preview of byte orders; None when the device does not give them."""
        answer = await self._ask(Block(unit, table, address, count, ()))
        return answer if isinstance(answer, list) else None

    async def probe(self, tags: Sequence[TagSpec]) -> list[Step]:
        steps: list[Step] = []

        async def timed(code: str, call: Any, **facts: Any) -> Any:
            begun = time.perf_counter()
            try:
                result, good = await call, True
            except (OSError, Unreachable) as error:
                result, good = None, False
                facts["error"] = str(error)
            steps.append(Step(code, good, (time.perf_counter() - begun) * 1000, facts))
            return result if good else None

        loop = asyncio.get_running_loop()
        lookup = loop.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
        if await timed("name", lookup, host=self.host) is None:
            return steps
        await timed("connect", self.open(), host=self.host, port=self.port)
        if not steps[-1].good:
            return steps
        for block in self.plan(tags):
            begun = time.perf_counter()
            samples = await self.read(block)
            bad = [sample for sample in samples if sample.quality is not Quality.GOOD]
            facts = {"unit": block.unit, "table": block.table, "address": block.address, "count": block.count}
            facts |= {"why": bad[0].why} if bad else {"values": {one.tag_id: one.value for one in samples}}
            steps.append(Step("read", not bad, (time.perf_counter() - begun) * 1000, facts))
        return steps

    async def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            client.close()


def _keep_alive(client: AsyncModbusTcpClient) -> None:
    """A device that vanished without a word is noticed by the system within half a minute."""
    connection = client.ctx.transport.get_extra_info("socket")
    if connection is None:
        return
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (("TCP_KEEPIDLE", 10), ("TCP_KEEPINTVL", 5), ("TCP_KEEPCNT", 4)):
        if hasattr(socket, name):
            connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
