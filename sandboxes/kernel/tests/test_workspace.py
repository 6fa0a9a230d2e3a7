import os
import tempfile
import threading
import unittest
from unittest import mock

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

    def test_what_is_pending_is_told_and_stays_a_change(self) -> None:
        self.put("a", b"1")
        self.put("b", b"2")
        self.assertEqual(self.workspace.pending(), [])
        self.write("a", "longer")
        os.unlink(self.path("b"))
        found = [(change["change"], change["path"]) for change in self.workspace.pending()]
        self.assertEqual(found, [("modified", "a"), ("deleted", "b")])
        self.assertEqual([(change["change"], change["path"]) for change in self.workspace.changes()], found)
        self.assertEqual(self.workspace.pending(), [])

    def test_a_program_is_told_from_data(self) -> None:
        self.write("tool", "#!/bin/sh")
        self.assertEqual([change.get("executable") for change in self.workspace.changes()], [None])
        os.chmod(self.path("tool"), 0o755)
        (change,) = self.workspace.changes()
        self.assertEqual((change["change"], change.get("executable")), ("modified", True))
        upload = self.workspace.put("given", executable=True)
        upload.append(b"#!/bin/sh")
        upload.finish()
        self.assertTrue(os.access(self.path("given"), os.X_OK))
        self.assertEqual(self.workspace.changes(), [])

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
        self.assertEqual(list(self.workspace.scan().files), ["big"])

    def test_paths_out_are_refused(self) -> None:
        outside = ("", "/etc/passwd", "..", "../x", "a/../b", "./a", "a//b", "a/", "a\0b")
        for path in (*outside, "x" * 2000, "d/" * 40 + "x", "\ud800"):
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

    def test_a_file_that_grows_while_it_is_read_ends_where_it_ended_before(self) -> None:
        self.write("log", "x" * 15)
        chunks = self.workspace.read("log", 15, chunk_bytes=10)
        first = next(chunks)
        self.write("log", "y" * 100)
        self.assertEqual((first, b"".join(chunks)), (b"x" * 10, b"y" * 5))

    def test_a_file_that_shrinks_while_it_is_read_just_ends(self) -> None:
        self.write("file", "x" * 20)
        chunks = self.workspace.read("file", 20, chunk_bytes=10)
        next(chunks)
        self.write("file", "")
        self.assertEqual(list(chunks), [])

    def test_what_takes_a_files_place_between_scan_and_read_is_not_followed(self) -> None:
        os.mkdir(self.path("d"))
        self.write("d/file", "mine")
        self.assertEqual(list(self.workspace.scan().files), ["d/file"])
        os.rename(self.path("d"), self.path("away"))
        os.symlink("away", self.path("d"))
        self.assertEqual(self.refusal("d/file"), "refused")
        os.unlink(self.path("away/file"))
        for replace in (lambda path: os.symlink("/etc/passwd", path), os.mkfifo, os.mkdir):
            replace(self.path("away/file"))
            self.assertEqual(self.refusal("away/file"), "refused")
            (os.rmdir if replace is os.mkdir else os.unlink)(self.path("away/file"))

    def test_a_folder_swapped_for_a_link_during_the_scan_is_not_walked(self) -> None:
        outside = tempfile.TemporaryDirectory()
        self.addCleanup(outside.cleanup)
        with open(os.path.join(outside.name, "secret"), "w"):
            pass
        stop = threading.Event()

        def swap() -> None:
            while not stop.is_set():
                os.mkdir(self.path("d"))
                os.rmdir(self.path("d"))
                os.symlink(outside.name, self.path("d"))
                os.unlink(self.path("d"))

        swapper = threading.Thread(target=swap)
        swapper.start()
        try:
            for _ in range(300):
                self.assertEqual(self.workspace.scan().files, {})
        finally:
            stop.set()
            swapper.join()

    def test_what_a_scan_cannot_see_counts_as_unchanged(self) -> None:
        os.mkdir(self.path("d"))
        self.write("d/file", "kept")
        self.write("other", "x")
        self.workspace.changes()
        with mock.patch("os.open", side_effect=PermissionError):
            os.unlink(self.path("other"))
            self.assertEqual(self.workspace.changes(), [{"change": "deleted", "path": "other"}])
        self.assertEqual(self.workspace.changes(), [])
        with mock.patch("gantry_kernel.file_tree.MAX_ENTRIES", 0):
            self.assertEqual(self.workspace.changes(), [])
        os.unlink(self.path("d/file"))
        self.assertEqual(self.workspace.changes(), [{"change": "deleted", "path": "d/file"}])

    def test_files_below_a_folder_that_was_closed_by_its_mode_count_as_unchanged(self) -> None:
        for path in ("data/a", "data/deep/b", "other/c"):
            self.put(path, b"kept")
        self.assertEqual(self.changes_after_chmod("data", 0o644), [])
        self.assertEqual(self.changes_after_chmod("data/deep", 0o000), [])
        self.assertEqual(self.changes_after_chmod(".", 0o644), [])
        self.assertEqual(self.workspace.changes(), [])

    def changes_after_chmod(self, folder: str, mode: int) -> list[dict[str, object]]:
        """As the kernel sees them, whose rights are those of an ordinary user."""
        path = os.path.normpath(self.path(folder))
        before = os.stat(path).st_mode
        os.chmod(path, mode)
        user = os.geteuid()
        if user == 0:
            os.seteuid(65534)
        try:
            return self.workspace.changes()
        finally:
            os.seteuid(user)
            os.chmod(path, before)

    def test_a_created_file_takes_no_name_that_is_taken(self) -> None:
        file = self.workspace.create("output/one.txt")
        assert file is not None
        self.assertTrue(self.workspace.holds("output/one.txt", file))
        self.assertIsNone(self.workspace.create("output/one.txt"))
        os.symlink("/nowhere", self.path("output/two.txt"))
        self.assertIsNone(self.workspace.create("output/two.txt"))
        os.rename(self.path("output/two.txt"), self.path("output/one.txt"))
        self.assertFalse(self.workspace.holds("output/one.txt", file))
        self.workspace.discard("output/one.txt", file)
        self.assertEqual(os.readlink(self.path("output/one.txt")), "/nowhere")
        self.write("plain", "")
        os.symlink("/tmp", self.path("link"))
        for path in ("plain/file", "link/file"):
            with self.assertRaises(Refused):
                self.workspace.create(path)

    def test_hostile_names_are_listed_as_data_or_left_out(self) -> None:
        for name in (b"a\nb", b"-rf", b"\xff\xfe"):
            with open(os.path.join(self.root.encode(), name), "w"):
                pass
        self.assertEqual(sorted(self.workspace.scan().files), ["-rf", "a\nb"])


if __name__ == "__main__":
    unittest.main()
