"""The host's requests, checked. A request that is not one is refused by its id; it never ends the supervisor."""

from __future__ import annotations

import json
import re
from typing import Any, Literal, NamedTuple, cast

Leftovers = Literal["end", "keep"]

MAX_TIMEOUT_MS = 1 << 31
MAX_OUTPUT_BYTES = 64 << 20
MAX_COMMANDS = 1000
MAX_KEY_CHARACTERS = 128


class BadRequest(Exception):
    """`call_id` is 0 when the request did not even say whose it is."""

    def __init__(self, call_id: int, message: str) -> None:
        super().__init__(message)
        self.call_id = call_id


class PythonRequest(NamedTuple):
    id: int
    code: str
    timeout_ms: float
    max_output_bytes: int
    """Names the call for a next host, which may ask for what became of it; empty: nobody will."""
    key: str = ""


class ShellRequest(NamedTuple):
    id: int
    commands: list[str]
    timeout_ms: float
    max_output_bytes: int
    """What becomes of processes that the commands leave running."""
    background: Leftovers
    key: str = ""


class ResumeRequest(NamedTuple):
    """For the call of that key, running or ended, as if this request had begun it. Never runs anything."""

    id: int
    key: str


class AcknowledgeRequest(NamedTuple):
    """The result of the call of that key need not be kept any more."""

    id: int
    key: str


class SuccessionRequest(NamedTuple):
    """A next host may take over, see takeover.py."""

    id: int
    anchor: bytes


class InterruptRequest(NamedTuple):
    id: int


class PingRequest(NamedTuple):
    """Whether anybody is there."""

    id: int


class FileRequest(NamedTuple):
    id: int
    operation: Literal["list", "pending", "read", "more", "cancel", "write", "remove"]
    path: str = ""
    max_bytes: int = 0
    executable: bool = False


Request = (
    PythonRequest
    | ShellRequest
    | ResumeRequest
    | AcknowledgeRequest
    | SuccessionRequest
    | InterruptRequest
    | PingRequest
    | FileRequest
)


def parse_request(payload: bytes) -> Request:
    try:
        fields = json.loads(payload.decode())
    except (ValueError, RecursionError):
        raise BadRequest(0, "a request is a JSON object") from None
    if not isinstance(fields, dict):
        raise BadRequest(0, "a request is a JSON object")
    return _Fields(fields).request()


class _Fields:
    def __init__(self, fields: dict[str, Any]) -> None:
        self._fields = fields
        self._id = 0
        self._id = self._integer("id", 1, (1 << 32) - 1)

    def request(self) -> Request:
        operation = self._text("op")
        match operation:
            case "exec":
                return PythonRequest(self._id, self._text("code"), *self._limits(), self._key())
            case "shell":
                return ShellRequest(self._id, self._commands(), *self._limits(), self._background(), self._key())
            case "resume":
                return ResumeRequest(self._id, self._key())
            case "acknowledge":
                return AcknowledgeRequest(self._id, self._key())
            case "succession":
                return SuccessionRequest(self._id, self._anchor())
            case "interrupt":
                return InterruptRequest(self._id)
            case "ping":
                return PingRequest(self._id)
            case "list" | "pending" | "more" | "cancel":
                return FileRequest(self._id, operation)
            case "write":
                return FileRequest(self._id, operation, self._text("path"), executable=self._flag("executable"))
            case "remove":
                return FileRequest(self._id, operation, self._text("path"))
            case "read":
                return FileRequest(self._id, operation, self._text("path"), self._integer("maxBytes", 0, 1 << 62))
        raise BadRequest(self._id, f"there is no operation {operation[:40]!r}")

    def _limits(self) -> tuple[float, int]:
        timeout = self._fields.get("timeoutMs")
        if isinstance(timeout, bool) or not isinstance(timeout, (int, float)) or not 0 < timeout <= MAX_TIMEOUT_MS:
            raise BadRequest(self._id, "timeoutMs is a number of milliseconds over 0")
        return timeout, self._integer("maxOutputBytes", 0, MAX_OUTPUT_BYTES)

    def _commands(self) -> list[str]:
        commands = self._fields.get("commands")
        if not isinstance(commands, list) or not 0 < len(commands) <= MAX_COMMANDS:
            raise BadRequest(self._id, "commands is a list of texts")
        if not all(isinstance(command, str) and "\0" not in command for command in commands):
            raise BadRequest(self._id, "a command is a text without zero bytes")
        return commands

    def _background(self) -> Leftovers:
        background = self._fields.get("background", "end")
        if background not in ("end", "keep"):
            raise BadRequest(self._id, "background is `end` or `keep`")
        return cast(Leftovers, background)

    def _key(self) -> str:
        key = self._fields.get("key", "")
        if not isinstance(key, str) or len(key) > MAX_KEY_CHARACTERS:
            raise BadRequest(self._id, f"key is a text of at most {MAX_KEY_CHARACTERS} characters")
        return key

    def _anchor(self) -> bytes:
        text = self._text("anchor")
        if not re.fullmatch("[0-9a-f]{64}", text):
            raise BadRequest(self._id, "anchor is a SHA-256 in hexadecimal digits")
        return bytes.fromhex(text)

    def _text(self, name: str) -> str:
        value = self._fields.get(name)
        if not isinstance(value, str):
            raise BadRequest(self._id, f"{name} is a text")
        return value

    def _flag(self, name: str) -> bool:
        value = self._fields.get(name, False)
        if not isinstance(value, bool):
            raise BadRequest(self._id, f"{name} is true or false")
        return value

    def _integer(self, name: str, least: int, most: int) -> int:
        value = self._fields.get(name)
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise BadRequest(self._id, f"{name} is a whole number from {least} to {most}")
        return value
