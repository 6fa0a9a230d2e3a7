"""How a next host takes over from one that is gone, whatever that one had half said.

A host that may be followed by another gives an anchor first. Its successor sends, in the middle of anything,
`frame header | magic | token | nonce`; the token is what the last anchor, or the last token, is the SHA-256 of, some
steps back (RFC 2289). Whoever sees a token, and a fork of this process may, so learns only of those that are spent.
The kernel answers with `frame header | magic | nonce`, and both sides begin anew after these.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import NamedTuple

from .protocol import HEADER, TAKEOVER

MAGIC = b"gantry take-over"
TOKEN_BYTES = 32
NONCE_BYTES = 32
_PAYLOAD_BYTES = len(MAGIC) + TOKEN_BYTES + NONCE_BYTES
OPENING = HEADER.pack(_PAYLOAD_BYTES, TAKEOVER) + MAGIC
TAKEOVER_BYTES = HEADER.size + _PAYLOAD_BYTES
# Hosts that died between counting their turn and telling it.
MAX_SKIPPED = 16


class Takeover(NamedTuple):
    """`before` counts the bytes of the read that the earlier host had sent; `rest` is the next one's."""

    before: int
    nonce: bytes
    rest: bytes


class TakeoverScanner:
    """Looks through all that arrives: where the frames of a host that is gone end cannot be known."""

    def __init__(self, anchor: bytes) -> None:
        self._anchor = anchor
        self._tail = b""

    def feed(self, data: bytes) -> Takeover | None:
        """The first valid one; its `rest` is to be fed again. One without the right token is nothing."""
        window = self._tail + data
        start = window.find(OPENING)
        while 0 <= start <= len(window) - TAKEOVER_BYTES:
            end = start + TAKEOVER_BYTES
            token = window[start + len(OPENING) : end - NONCE_BYTES]
            if self._accepts(token):
                before = max(0, start - len(self._tail))
                self._anchor, self._tail = token, b""
                return Takeover(before, window[end - NONCE_BYTES : end], window[end:])
            start = window.find(OPENING, start + 1)
        self._tail = window[1 - TAKEOVER_BYTES :]
        return None

    def _accepts(self, token: bytes) -> bool:
        step = token
        for _ in range(MAX_SKIPPED):
            step = hashlib.sha256(step).digest()
            if hmac.compare_digest(step, self._anchor):
                return True
        return False
