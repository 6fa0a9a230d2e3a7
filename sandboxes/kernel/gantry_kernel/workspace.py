"""The working directory: what changed, and access that never follows a link. What a scan could not see is unchanged."""

from __future__ import annotations

import errno
import os
import secrets
import stat
from typing import Iterator

from .file_tree import DIRECTORY, MAX_DEPTH, MAX_PATH_BYTES, Entry, Tree, described, entry_of, scanned

_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class Refused(Exception):
    """A request that cannot be served; `code` is for programs, the text for people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def _refusal(error: OSError, path: str) -> Refused:
    if error.errno in (errno.ENOENT,):
        return Refused("not_found", f"no such file: {path}")
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return Refused("storage_full", "the sandbox's working directory is full")
    if error.errno in (errno.ELOOP, errno.ENOTDIR):
        return Refused("refused", f"links are not followed: {path}")
    return Refused("refused", f"{os.strerror(error.errno or 0)}: {path}")


def split_path(path: str) -> list[str]:
    parts = path.split("/")
    if "\0" in path or any(part in ("", ".", "..") for part in parts):
        raise Refused("invalid_path", "a path is relative, without empty, `.` or `..` parts")
    try:
        length = len(path.encode())
    except UnicodeEncodeError:
        raise Refused("invalid_path", "the path is not valid text") from None
    if length > MAX_PATH_BYTES or len(parts) > MAX_DEPTH:
        raise Refused("invalid_path", "the path is too long")
    return parts


class Workspace:
    def __init__(self, root: str) -> None:
        self._root = os.open(root, DIRECTORY)
        self.known: dict[str, Entry] = {}

    def scan(self) -> Tree:
        return scanned(self._root)

    def changes(self) -> list[dict[str, object]]:
        """What differs from the last call of this, of `put` and of `remove`."""
        changes, self.known = self._compared()
        return changes

    def pending(self) -> list[dict[str, object]]:
        """What `changes` would tell now, and will."""
        return self._compared()[0]

    def _compared(self) -> tuple[list[dict[str, object]], dict[str, Entry]]:
        """The changes, and what is known with them."""
        before, tree = self.known, self.scan()
        after = tree.files
        if before == after:
            return [], before
        gone = [path for path in before if path not in after]
        hidden = {path: before[path] for path in gone if path.startswith(tree.unseen)}
        changed: list[dict[str, object]] = []
        for path, entry in after.items():
            old = before.get(path)
            if old != entry:
                changed.append({"change": "modified" if old else "created", **described(path, entry)})
        deleted: list[dict[str, object]] = [
            {"change": "deleted", "path": path} for path in gone if path not in hidden
        ]
        return changed + deleted, {**after, **hidden}

    def create(self, path: str) -> int | None:
        """A new empty file, open for writing; None when the name is taken, by whatever."""
        parts = split_path(path)
        try:
            directory = self._open_parent(parts, create=True)
            try:
                return os.open(parts[-1], _NEW_FILE, 0o644, dir_fd=directory)
            finally:
                os.close(directory)
        except FileExistsError:
            return None
        except OSError as error:
            raise _refusal(error, path) from None

    def holds(self, path: str, file: int) -> bool:
        """Whether this open file is still the one of that name."""
        parts = split_path(path)
        try:
            directory = self._open_parent(parts, create=False)
            try:
                named = os.stat(parts[-1], dir_fd=directory, follow_symlinks=False)
            finally:
                os.close(directory)
        except OSError:
            return False
        return os.path.samestat(named, os.fstat(file))

    def discard(self, path: str, file: int) -> None:
        """Takes back a created file and its room, and closes it."""
        try:
            os.ftruncate(file, 0)
            if self.holds(path, file):
                self.remove(path)
        except (OSError, Refused):
            pass
        os.close(file)

    def _open_parent(self, parts: list[str], create: bool) -> int:
        """A descriptor of the directory that holds the last part; the caller closes it."""
        directory = os.dup(self._root)
        for part in parts[:-1]:
            try:
                if create:
                    try:
                        os.mkdir(part, 0o755, dir_fd=directory)
                    except FileExistsError:
                        pass
                below = os.open(part, DIRECTORY, dir_fd=directory)
            finally:
                os.close(directory)
            directory = below
        return directory

    def read(self, path: str, max_bytes: int, chunk_bytes: int = 256 << 10) -> Iterator[bytes]:
        parts = split_path(path)
        try:
            directory = self._open_parent(parts, create=False)
            try:
                # Non-blocking, or opening a pipe would wait for its other end.
                flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
                file = os.open(parts[-1], flags, dir_fd=directory)
            finally:
                os.close(directory)
        except OSError as error:
            raise _refusal(error, path) from None
        try:
            status = os.fstat(file)
            if not stat.S_ISREG(status.st_mode):
                raise Refused("refused", f"not a regular file: {path}")
            if status.st_size > max_bytes:
                raise Refused("too_large", f"{path} has {status.st_size} bytes, over the {max_bytes} allowed")
            # A file that grows meanwhile, such as a log, is read as long as it was when it was opened.
            left = status.st_size
            while left > 0 and (chunk := os.read(file, min(chunk_bytes, left))):
                left -= len(chunk)
                yield chunk
        except OSError as error:
            raise _refusal(error, path) from None
        finally:
            os.close(file)

    def remove(self, path: str) -> None:
        parts = split_path(path)
        try:
            directory = self._open_parent(parts, create=False)
            try:
                os.unlink(parts[-1], dir_fd=directory)
            finally:
                os.close(directory)
        except OSError as error:
            raise _refusal(error, path) from None
        self.known.pop(path, None)

    def put(self, path: str, executable: bool = False) -> Upload:
        parts = split_path(path)
        try:
            mode = 0o755 if executable else 0o644
            return Upload(self, path, parts[-1], self._open_parent(parts, create=True), mode)
        except OSError as error:
            raise _refusal(error, path) from None


class Upload:
    """A file on its way in; it takes its name only when it is whole."""

    def __init__(self, workspace: Workspace, path: str, name: str, directory: int, mode: int) -> None:
        self._workspace = workspace
        self._path = path
        self._name = name
        self._directory = directory
        self._temporary = f".gantry-{secrets.token_hex(8)}"
        try:
            self._file = os.open(self._temporary, _NEW_FILE, mode, dir_fd=directory)
        except OSError:
            os.close(directory)
            raise

    def append(self, data: bytes) -> None:
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(self._file, view) :]
        except OSError as error:
            self.abandon()
            raise _refusal(error, self._path) from None

    def finish(self) -> None:
        try:
            status = os.fstat(self._file)
            os.rename(self._temporary, self._name, src_dir_fd=self._directory, dst_dir_fd=self._directory)
        except OSError as error:
            self.abandon()
            raise _refusal(error, self._path) from None
        self._workspace.known[self._path] = entry_of(status)
        self._close()

    def abandon(self) -> None:
        try:
            os.unlink(self._temporary, dir_fd=self._directory)
        except OSError:
            pass
        self._close()

    def _close(self) -> None:
        os.close(self._file)
        os.close(self._directory)
