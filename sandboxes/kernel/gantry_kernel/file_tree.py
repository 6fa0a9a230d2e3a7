"""The files below a directory, as one walk finds them.

Names are bytes that hostile code chose. Those that are not UTF-8, and trees deeper or wider than the
caps, are left out of listings rather than guessed at.
"""

from __future__ import annotations

import os
import stat
from typing import NamedTuple

MAX_ENTRIES = 8192
# The host's language has no larger whole numbers; a sparse file may claim to be larger.
MAX_EXACT_INTEGER = (1 << 53) - 1
MAX_DEPTH = 32
MAX_PATH_BYTES = 1024
MAX_LISTED_PATH_BYTES = 1 << 20
DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class Entry(NamedTuple):
    size: int
    modified_ns: int
    inode: int
    executable: bool


class Tree(NamedTuple):
    files: dict[str, Entry]
    """Beginnings of the paths that could not be looked at; "" is all that was not found."""
    unseen: tuple[str, ...]


def scanned(root: int) -> Tree:
    return _Scan().of(root)


class _Scan:
    """One walk of the tree."""

    def __init__(self) -> None:
        self._files: dict[str, Entry] = {}
        self._unseen: list[str] = []
        self._entries_left = MAX_ENTRIES
        self._bytes_left = MAX_LISTED_PATH_BYTES

    def of(self, root: int) -> Tree:
        self._walk(root, "", 1)
        return Tree(self._files, tuple(self._unseen))

    def _walk(self, directory: int, prefix: str, depth: int) -> None:
        folders: list[str] = []
        with os.scandir(directory) as entries:
            for entry in entries:
                self._entries_left -= 1
                if self._entries_left < 0 or self._bytes_left < 0:
                    self._unseen.append("")
                    return
                if self._take(entry, prefix) and depth < MAX_DEPTH:
                    folders.append(entry.name)
        for name in folders:
            try:
                folder = os.open(name, DIRECTORY, dir_fd=directory)
            except PermissionError:
                self._unseen.append(f"{prefix}{name}/")
                continue
            except OSError:
                # Gone or replaced since it was listed.
                continue
            try:
                self._walk(folder, f"{prefix}{name}/", depth + 1)
            finally:
                os.close(folder)

    def _take(self, entry: os.DirEntry[str], prefix: str) -> bool:
        """True for a folder, which is yet to be walked."""
        path = prefix + entry.name
        try:
            length = len(path.encode())
            status = entry.stat(follow_symlinks=False)
        except PermissionError:
            # Names may be read, what they stand for not: so says the mode of their folder, for all of them.
            if self._unseen[-1:] != [prefix]:
                self._unseen.append(prefix)
            return False
        except (UnicodeEncodeError, OSError):
            return False
        if length > MAX_PATH_BYTES:
            return False
        if stat.S_ISREG(status.st_mode):
            self._bytes_left -= length
            self._files[path] = entry_of(status)
        return stat.S_ISDIR(status.st_mode)


def entry_of(status: os.stat_result) -> Entry:
    return Entry(status.st_size, status.st_mtime_ns, status.st_ino, bool(status.st_mode & stat.S_IXUSR))


def described(path: str, entry: Entry) -> dict[str, object]:
    return {
        "path": path,
        "bytes": min(entry.size, MAX_EXACT_INTEGER),
        "modifiedAtMs": entry.modified_ns // 1_000_000,
        **({"executable": True} if entry.executable else {}),
    }
