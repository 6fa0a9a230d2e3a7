import random
import unittest

from gantry_kernel.protocol import DATA, JSON, FrameReader, ProtocolError, encode


class FrameReaderTest(unittest.TestCase):
    def test_frames_come_out_whole_however_they_are_cut(self) -> None:
        generator = random.Random(7)
        for _ in range(200):
            sent = [(generator.choice((JSON, DATA)), generator.randbytes(generator.randrange(50))) for _ in range(5)]
            wire = b"".join(encode(kind, payload) for kind, payload in sent)
            reader, received = FrameReader(), []
            while wire:
                size = generator.randrange(1, 20)
                received += reader.feed(wire[:size])
                wire = wire[size:]
            self.assertEqual(received, sent)

    def test_an_announced_giant_is_refused_before_it_comes(self) -> None:
        with self.assertRaises(ProtocolError):
            FrameReader(100).feed(b"\xee\x6b\x28\x00J")

    def test_a_frame_that_comes_in_one_piece_is_measured_as_well(self) -> None:
        wire = encode(JSON, bytes(101))
        self.assertEqual(FrameReader(101).feed(wire), [(JSON, bytes(101))])
        with self.assertRaises(ProtocolError):
            FrameReader(100).feed(wire)


if __name__ == "__main__":
    unittest.main()
