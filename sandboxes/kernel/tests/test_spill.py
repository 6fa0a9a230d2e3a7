import os
import tempfile
import unittest
from unittest import mock

from gantry_kernel.spill import Spill
from gantry_kernel.workspace import Workspace


class SpillTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = folder.name
        self.workspace = Workspace(self.root)

    def spill(self, *pieces: bytes) -> Spill:
        spill = Spill(self.workspace, 3, "stdout")
        for piece in pieces:
            spill.write(piece)
        spill.finish()
        return spill

    def content(self, path: str) -> bytes:
        with open(os.path.join(self.root, path), "rb") as file:
            return file.read()

    def test_the_whole_is_in_the_file(self) -> None:
        spill = self.spill(b"one ", b"two")
        self.assertEqual((spill.path, spill.problem), ("output/call-3.stdout.txt", None))
        self.assertEqual((spill.bytes, spill.missing_bytes), (7, 0))
        self.assertEqual(self.content(spill.path), b"one two")

    def test_a_file_that_is_there_is_left_alone(self) -> None:
        os.mkdir(os.path.join(self.root, "output"))
        os.symlink("/tmp/elsewhere", os.path.join(self.root, "output/call-3.stdout.txt"))
        self.assertEqual(self.spill(b"x").path, "output/call-3-2.stdout.txt")
        self.assertEqual(self.spill(b"y").path, "output/call-3-3.stdout.txt")
        self.assertEqual(self.content("output/call-3-2.stdout.txt"), b"x")
        self.assertFalse(os.path.exists("/tmp/elsewhere"))

    def test_the_file_has_a_cap_of_its_own(self) -> None:
        with mock.patch("gantry_kernel.spill.MAX_BYTES", 5):
            spill = self.spill(b"1234", b"5678", b"9")
        self.assertEqual((spill.bytes, spill.missing_bytes, self.content(spill.path)), (5, 4, b"12345"))

    def test_a_full_working_directory_is_said_and_not_filled_further(self) -> None:
        spill = Spill(self.workspace, 3, "stdout")
        spill.write(b"fits")
        with mock.patch("os.write", side_effect=OSError(28, "No space left on device")):
            spill.write(b"does not")
        spill.write(b"more")
        spill.finish()
        self.assertEqual(spill.problem, "the working directory is full")
        self.assertEqual(os.listdir(os.path.join(self.root, "output")), [])

    def test_a_folder_that_is_none_is_said(self) -> None:
        folder = os.path.join(self.root, "output")
        with open(folder, "w"):
            pass
        self.assertIn("links are not followed", str(self.spill(b"x").problem))
        os.unlink(folder)
        os.symlink("/tmp", folder)
        self.assertIn("links are not followed", str(self.spill(b"x").problem))
        os.unlink(folder)
        with mock.patch("gantry_kernel.spill.MAX_NAMES", 1):
            self.spill(b"x")
            self.assertIn("taken", str(self.spill(b"x").problem))

    def test_a_file_that_the_call_took_away_is_not_promised(self) -> None:
        spill = Spill(self.workspace, 3, "stdout")
        os.unlink(os.path.join(self.root, spill.path))
        spill.write(b"x")
        spill.finish()
        self.assertIn("removed", str(spill.problem))


if __name__ == "__main__":
    unittest.main()
