"""Numbers in the text format of Prometheus: one block per name with its help, type and values. Reads nothing."""

import re
from collections.abc import Iterable, Mapping

Sample = tuple[str, Mapping[str, str], float]
_NAME = re.compile(r"[a-z][a-z0-9_]*")


def text_of(samples: Iterable[Sample], helps: Mapping[str, str]) -> str:
    """Samples of one name stand together, as the format demands; labels are escaped, so no value can break a line."""
    blocks: dict[str, list[str]] = {}
    for name, labels, value in samples:
        if not _NAME.fullmatch(name):
            raise ValueError(f"{name!r} is no name of a metric.")
        shown = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels.items() if text)
        blocks.setdefault(name, []).append(f"mes_{name}{{{shown}}} {_number(value)}" if shown else
                                           f"mes_{name} {_number(value)}")  # fmt: skip
    lines = []
    for name, values in blocks.items():
        if name in helps:
            lines.append(f"# HELP mes_{name} {helps[name]}")
        lines += [f"# TYPE mes_{name} gauge", *values]
    return "\n".join(lines) + "\n"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


def _number(value: float) -> str:
    return str(int(value)) if float(value).is_integer() else f"{value:.6f}"
