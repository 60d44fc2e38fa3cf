"""`python -m mes.supervisor.health http://…` or `process:WORD`: exit 0 when it answers or lives. For containers."""

import os
import sys
import urllib.error
import urllib.request
from pathlib import Path


def answers(url: str) -> bool:
    """Any answer but a server's error: a page that wants a sign-in is alive too."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers={"Host": "localhost"}), timeout=4):  # noqa: S310
            return True
    except urllib.error.HTTPError as error:
        return error.code < 500
    except OSError:
        return False


def lives(word: str) -> bool:
    """Whether a process of this installation other than this one has WORD on its command line."""
    own = str(Path("/proc/self").resolve().name)
    place = b"MES_DATA=" + os.environ.get("MES_DATA", "").encode()
    for command in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = command.read_bytes().split(b"\0")
            told = (command.parent / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        if command.parent.name != own and word.encode() in words and place in told:
            return True
    return False


def main(what: str) -> int:
    kind, _, rest = what.partition(":")
    return 0 if (lives(rest) if kind == "process" else answers(what)) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
