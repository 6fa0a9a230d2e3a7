import os
import tempfile
import unittest

from gantry_kernel.workspace import Refused, Workspace


class WorkspaceTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = folder.name
        self.workspace = Workspace(self.root)

    def path(self, name: str) -> str:
        return os.path.join(self.root, name)

    def write(self, name: str, text: str) -> None:
        with open(self.path(name), "w") as file:
            file.write(text)

    def put(self, path: str, data: bytes) -> None:
        upload = self.workspace.put(path)
        upload.append(data)
        upload.finish()

    def read(self, path: str, limit: int = 1000) -> bytes:
        return b"".join(self.workspace.read(path, limit))

    def refusal(self, path: str, limit: int = 1000) -> str:
        with self.assertRaises(Refused) as caught:
            self.read(path, limit)
        return caught.exception.code

    def test_changes_are_told_once(self) -> None:
        self.write("a", "1")
        os.mkdir(self.path("d"))
        self.write("d/b", "2")
        found = {(change["change"], change["path"]) for change in self.workspace.changes()}
        self.assertEqual(found, {("created", "a"), ("created", "d/b")})
        self.assertEqual(self.workspace.changes(), [])
        self.write("a", "longer")
        os.unlink(self.path("d/b"))
        found = {(change["change"], change["path"]) for change in self.workspace.changes()}
        self.assertEqual(found, {("modified", "a"), ("deleted", "d/b")})

    def test_what_the_host_writes_and_removes_is_no_change(self) -> None:
        self.put("x/y/z", b"data")
        self.assertEqual(self.read("x/y/z"), b"data")
        self.assertEqual(self.workspace.changes(), [])
        self.workspace.remove("x/y/z")
        self.assertEqual(self.workspace.changes(), [])
        self.assertEqual(self.refusal("x/y/z"), "not_found")

    def test_links_pipes_folders_and_giants_are_refused(self) -> None:
        os.symlink("/etc/passwd", self.path("link"))
        os.symlink("/etc", self.path("folder"))
        os.mkfifo(self.path("pipe"))
        os.mkdir(self.path("dir"))
        self.write("big", "x" * 11)
        os.truncate(self.path("big"), 1 << 40)
        for path in ("link", "folder/passwd", "pipe", "dir"):
            self.assertEqual(self.refusal(path), "refused", path)
        self.assertEqual(self.refusal("big"), "too_large")
        self.assertEqual(list(self.workspace.scan()), ["big"])

    def test_paths_out_are_refused(self) -> None:
        outside = ("", "/etc/passwd", "..", "../x", "a/../b", "./a", "a//b", "a/", "a\0b")
        for path in (*outside, "x" * 2000, "d/" * 40 + "x"):
            self.assertEqual(self.refusal(path), "invalid_path", path)

    def test_writing_replaces_a_link_and_not_its_target(self) -> None:
        self.write("target", "kept")
        os.symlink(self.path("target"), self.path("link"))
        self.put("link", b"mine")
        self.assertEqual((self.read("link"), self.read("target")), (b"mine", b"kept"))
        os.symlink("/tmp", self.path("out"))
        with self.assertRaises(Refused):
            self.workspace.put("out/file")

    def test_an_abandoned_upload_leaves_nothing(self) -> None:
        upload = self.workspace.put("file")
        upload.append(b"half")
        upload.abandon()
        self.assertEqual(os.listdir(self.root), [])

    def test_a_file_that_grows_while_it_is_read_is_stopped(self) -> None:
        self.write("file", "x" * 10)
        chunks = self.workspace.read("file", 15, chunk_bytes=10)
        next(chunks)
        self.write("file", "x" * 100)
        with self.assertRaises(Refused):
            list(chunks)

    def test_hostile_names_are_listed_as_data_or_left_out(self) -> None:
        for name in (b"a\nb", b"-rf", b"\xff\xfe"):
            with open(os.path.join(self.root.encode(), name), "w"):
                pass
        self.assertEqual(sorted(self.workspace.scan()), ["-rf", "a\nb"])


if __name__ == "__main__":
    unittest.main()
