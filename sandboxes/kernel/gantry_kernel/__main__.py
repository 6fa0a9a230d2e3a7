"""`python3 -m gantry_kernel [--workspace PATH] [--bare]`; frames on stdin and stdout."""

import sys

from .boot import boot


def _option(arguments: list[str], name: str, default: str) -> str:
    return arguments[arguments.index(name) + 1] if name in arguments else default


if __name__ == "__main__":
    boot(workspace=_option(sys.argv, "--workspace", "/workspace"), preload="--bare" not in sys.argv)
