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
_WHOLE_NUMBERS = ("frames", "peakMemoryBytes")
_NUMBERS = ("cpuMs",)


def checked_result(payload: bytes) -> dict[str, Any]:
    """The known fields with the right types, small enough for the host."""
    try:
        message = json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise ProtocolError("result is not JSON") from error
    if not isinstance(message, dict) or message.get("status") not in STATUSES:
        raise ProtocolError("result has no status")
    result: dict[str, Any] = {"status": message["status"]}
    for key in _TEXTS:
        if isinstance(message.get(key), str):
            result[key] = message[key][:MAX_TEXT].encode("utf-8", "replace").decode()
    for keys, types in ((_WHOLE_NUMBERS, (int,)), (_NUMBERS, (int, float))):
        for key in keys:
            value = message.get(key)
            if isinstance(value, types) and not isinstance(value, bool) and 0 <= value < 1e15:
                result[key] = value
    closed = message.get("closed")
    if isinstance(closed, list):
        result["closed"] = [stream for stream in STREAMS if stream in closed]
    return result
