import os
import unittest

from gantry_kernel.frame_writer import MAX_WAITING_FRAMES, FrameWriter
from gantry_kernel.loop import Loop
from gantry_kernel.protocol import JSON, VIDEO_FRAME, FrameReader


class FrameWriterTest(unittest.TestCase):
    def setUp(self) -> None:
        self.read, self.write = os.pipe()
        self.addCleanup(os.close, self.read)
        self.addCleanup(os.close, self.write)
        self.loop = Loop()
        self.writer = FrameWriter(self.loop, self.write, lambda: self.fail("broken"))

    def received(self, last: bytes) -> list[bytes]:
        reader, payloads = FrameReader(), list[bytes]()
        while last not in payloads:
            payloads += [payload for _, payload in reader.feed(os.read(self.read, 1 << 20))]
            self.writer.when_drained(lambda: None)
            self.loop.after(0, lambda: None)
            self.loop.run_once()
        return payloads

    def test_frames_of_a_picture_that_moves_too_fast_are_dropped_oldest_first(self) -> None:
        filling = bytes(1 << 20)
        self.writer.send(JSON, filling)
        for number in range(100):
            self.writer.send_perishable(VIDEO_FRAME, b"%d" % number)
        self.assertFalse(len(self.writer._pending) > len(filling) + 100)
        kept = [b"%d" % number for number in range(100 - MAX_WAITING_FRAMES, 100)]
        self.assertEqual(self.received(b"99"), [filling, *kept])

    def test_nothing_overtakes_a_frame_that_was_sent_before_it(self) -> None:
        filling = bytes(1 << 20)
        self.writer.send(JSON, filling)
        self.writer.send_perishable(VIDEO_FRAME, b"frame")
        self.writer.send(JSON, b"result")
        self.assertEqual(self.received(b"result"), [filling, b"frame", b"result"])

    def test_what_is_added_leaves_with_the_next_frame_in_one_piece(self) -> None:
        self.writer.add(JSON, b"output")
        os.set_blocking(self.read, False)
        with self.assertRaises(BlockingIOError):
            os.read(self.read, 100)
        self.writer.send(JSON, b"result")
        self.assertEqual(FrameReader().feed(os.read(self.read, 100)), [(JSON, b"output"), (JSON, b"result")])

    def test_what_is_added_while_the_way_is_full_leaves_in_its_turn(self) -> None:
        filling = bytes(1 << 20)
        self.writer.send(JSON, filling)
        self.writer.add(JSON, b"output")
        self.writer.send(JSON, b"result")
        self.assertEqual(self.received(b"result"), [filling, b"output", b"result"])

    def test_a_free_way_is_taken_at_once(self) -> None:
        self.writer.send_perishable(VIDEO_FRAME, b"frame")
        self.assertEqual(FrameReader().feed(os.read(self.read, 100)), [(VIDEO_FRAME, b"frame")])


if __name__ == "__main__":
    unittest.main()
