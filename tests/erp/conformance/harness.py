"""What the conformance suite must be able to do with an adapter's other side. One subclass per adapter.

An adapter of another package writes its own subclass and adds it to `HARNESSES` of `test_conformance.py`.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar

from erp_sync.adapters.base import ErpAdapter
from erp_sync.adapters.errors import ErpError
from erp_sync.facts import OrderCompletion

#: Brings one failure about: calls the adapter so that it raises, and returns nothing.
Provocation = Callable[[], object]


class Harness(ABC):
    """The other side of an adapter in the hands of a test: what it holds is seen by its own means, never through us."""

    impossible: ClassVar[Mapping[type[ErpError], str]] = {}
    """Failures that this ERP cannot have, each with the reason in a sentence."""
    secrets: ClassVar[tuple[str, ...]] = ()
    """Values that must be seen nowhere."""
    broken_settings: ClassVar[tuple[Mapping[str, Any], ...]] = ()
    """Changes to the settings that must be refused when the adapter is built."""

    @abstractmethod
    def adapter(self, **changes: Any) -> ErpAdapter:
        """A new adapter, as another worker would make one; CHANGES replace settings."""

    @abstractmethod
    def fact(self) -> OrderCompletion:
        """A completion that the ERP would take, of an order of its own that the ERP knows."""

    @abstractmethod
    def other_than(self, fact: OrderCompletion) -> OrderCompletion:
        """The same completion with another content, which must not pass for the first."""

    @abstractmethod
    def effects(self, fact: OrderCompletion) -> int:
        """How many times the ERP holds the fact, whole."""

    @abstractmethod
    def state(self) -> object:
        """Everything the adapter could change there, to be compared before and after."""

    @contextmanager
    def answer_lost(self) -> Iterator[None]:
        """Within this, the next change happens there and its answer does not reach us."""
        raise NotImplementedError
        yield

    @abstractmethod
    def failures(self) -> Mapping[type[ErpError], Provocation]:
        """How each failure is brought about that is not `impossible`."""

    def prepare_pull(self) -> None:
        """Let there be at least three records of everything that can be pulled. Nothing to do where there are."""
        return
