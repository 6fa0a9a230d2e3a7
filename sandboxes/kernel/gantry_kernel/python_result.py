"""What an interpreter says of its call: it may lie about that call, and break nothing else."""

from __future__ import annotations

import json
from typing import Any

from .protocol import ProtocolError

STATUSES = ("completed", "failed")
STREAMS = ("stdout", "stderr")
# What an honest interpreter sends, with the words that say how much was left out.
MAX_TEXT = (64 << 10) + 100
_TEXTS = ("value", "exception")
_NUMBERS = {"frames": (int,), "peakMemoryBytes": (int,), "cpuMs": (int, float)}


def checked_result(payload: bytes) -> dict[str, Any]:
    """The known fields with the right types, small enough for the host."""
    try:
        message = json.loads(payload.decode())
    except (ValueError, RecursionError) as error:
        raise ProtocolError("result is not JSON") from error
    if not isinstance(message, dict) or message.get("status") not in STATUSES:
        raise ProtocolError("result has no status")
    result: dict[str, Any] = {"status": message["status"]}
    for key, value in message.items():
        if key in _TEXTS and isinstance(value, str):
            result[key] = value[:MAX_TEXT].encode("utf-8", "replace").decode()
        elif key in _NUMBERS and type(value) in _NUMBERS[key] and 0 <= value < 1e15:
            result[key] = value
        elif key == "closed" and isinstance(value, list):
            result["closed"] = [stream for stream in STREAMS if stream in value]
    return result
