"""One host follows another: where their bytes part, what is kept between them, and who may not follow."""

import hashlib
import os
import time
import unittest

from gantry_kernel.call_outbox import MAX_KEPT_PICTURE_BYTES, MAX_KEPT_TEXT_BYTES, CallOutbox
from gantry_kernel.frame_writer import FrameWriter
from gantry_kernel.host_link import UNATTENDED_VARIABLE
from gantry_kernel.loop import Loop
from gantry_kernel.protocol import DATA, ID, IMAGE, JSON, STDOUT, encode
from gantry_kernel.takeover import MAX_SKIPPED, OPENING, Takeover, TakeoverScanner

from .kernel_client import KernelClient, eventually

NONCE = b"n" * 32


def chain(length: int) -> list[bytes]:
    """Tokens in the order of their use, the anchor first."""
    tokens = [b"s" * 32]
    for _ in range(length):
        tokens.append(hashlib.sha256(tokens[-1]).digest())
    return tokens[::-1]


TOKENS = chain(40)


def takeover(token: bytes) -> bytes:
    return OPENING + token + NONCE


class ScannerTest(unittest.TestCase):
    def scanned(self, pieces: list[bytes]) -> list[Takeover]:
        scanner = TakeoverScanner(TOKENS[0])
        return [found for piece in pieces if (found := scanner.feed(piece)) is not None]

    def test_it_is_found_wherever_it_is_cut_and_whatever_was_half_said_before_it(self) -> None:
        half = encode(DATA, ID.pack(3), b"x" * 60)[:-7]
        rest = encode(JSON, b"{}")
        end = len(half + takeover(TOKENS[1]))
        stream = half + takeover(TOKENS[1]) + rest
        for cut in range(len(stream) + 1):
            [found] = self.scanned([stream[:cut], stream[cut:]])
            self.assertEqual((found.nonce, found.rest), (NONCE, stream[end:cut] if cut >= end else rest), cut)
        [found] = self.scanned([bytes([byte]) for byte in stream])
        self.assertEqual((found.nonce, found.rest), (NONCE, b""))

    def test_what_the_earlier_host_had_sent_in_the_same_read_is_told_apart(self) -> None:
        [found] = self.scanned([b"abc" + takeover(TOKENS[1])])
        self.assertEqual(found.before, 3)

    def test_turns_that_were_counted_and_never_told_are_passed_over_a_few(self) -> None:
        self.assertEqual(len(self.scanned([takeover(TOKENS[MAX_SKIPPED])])), 1)
        self.assertEqual(self.scanned([takeover(TOKENS[MAX_SKIPPED + 1])]), [])

    def test_a_token_that_was_seen_is_worth_nothing_nor_is_an_older_one(self) -> None:
        scanner = TakeoverScanner(TOKENS[0])
        self.assertIsNotNone(scanner.feed(takeover(TOKENS[2])))
        for spent in TOKENS[:3]:
            self.assertIsNone(scanner.feed(takeover(spent)))
        self.assertIsNotNone(scanner.feed(takeover(TOKENS[3])))

    def test_a_false_beginning_does_not_hide_the_true_one(self) -> None:
        for forged in (OPENING, OPENING + b"x" * 10, takeover(b"x" * 32), takeover(b"x" * 32)[:-1]):
            self.assertEqual(len(self.scanned([forged, takeover(TOKENS[1])])), 1)


class KeptCallTest(unittest.TestCase):
    def setUp(self) -> None:
        read, write = os.pipe()
        os.set_blocking(read, False)
        self.addCleanup(os.close, read)
        self.addCleanup(os.close, write)
        self.outbox = CallOutbox(FrameWriter(Loop(), write, lambda: self.fail("broken")))
        self.outbox.keeps = True

    def test_what_is_kept_is_bounded_and_says_what_is_missing(self) -> None:
        self.outbox.begin(1, "key")
        self.outbox.forget_host()
        for _ in range(3):
            self.outbox.add_text(STDOUT, b"x" * (MAX_KEPT_TEXT_BYTES // 2 + 1))
            self.outbox.send_picture(IMAGE, b"p" * (MAX_KEPT_PICTURE_BYTES // 2))
        self.outbox.finish({"outcome": "completed", "overflows": []})
        kept = self.outbox._kept
        assert kept is not None
        self.assertEqual(len(kept.texts[STDOUT]), MAX_KEPT_TEXT_BYTES)
        self.assertEqual(len(kept.pictures), 2)
        marked = kept.marked_result()
        assert marked is not None
        self.assertEqual(marked["imagesNotKept"], 1)
        [overflow] = marked["overflows"]
        self.assertEqual(overflow["droppedBytes"], MAX_KEPT_TEXT_BYTES // 2 + 3)

    def test_only_a_call_that_ended_and_is_named_is_let_go(self) -> None:
        self.outbox.begin(1, "key")
        self.assertFalse(self.outbox.resume(2, "other"))
        self.outbox.acknowledge("key")
        self.assertTrue(self.outbox.resume(2, "key"))
        self.outbox.finish({"outcome": "completed", "overflows": []})
        self.outbox.acknowledge("other")
        self.assertTrue(self.outbox.resume(3, "key"))
        self.outbox.acknowledge("key")
        self.assertFalse(self.outbox.resume(4, "key"))

    def test_a_call_without_a_name_is_not_kept(self) -> None:
        self.outbox.begin(1, "")
        self.assertFalse(self.outbox.resume(2, ""))


class TakeoverTest(unittest.TestCase):
    def setUp(self) -> None:
        self.client = KernelClient()
        self.addCleanup(self.client.close)
        asked = self.client.send(op="succession", anchor=TOKENS[0].hex())
        self.assertEqual(self.client.finish(asked).result["type"], "done")

    def begin(self, code: str, key: str = "call_1", timeout: float = 60) -> int:
        return self.client.send(op="exec", code=code, key=key, timeoutMs=timeout * 1000, maxOutputBytes=1 << 20)

    def made(self, name: str) -> bool:
        return os.path.exists(os.path.join(self.client.workspace.name, name))

    def test_a_call_goes_on_and_is_told_to_the_next_host_from_its_beginning(self) -> None:
        self.begin(
            'import os\nx = 1\nprint("before")\nopen("go", "w").close()\nwhile not os.path.exists("end"): pass'
        )
        self.assertTrue(eventually(lambda: self.made("go")))
        # The host dies in the middle of a file.
        self.client.send_raw(encode(DATA, ID.pack(9), b"y" * 100)[:50])
        self.assertEqual(self.client.be_next_host(TOKENS[1], NONCE)["type"], "ready")
        call_id = self.client.send(op="resume", key="call_1")
        open(os.path.join(self.client.workspace.name, "end"), "w").close()
        told = self.client.finish(call_id)
        self.assertEqual((told.result["outcome"], told.stdout), ("completed", "before\n"))
        self.assertEqual(self.client.exec("x").result["value"], "1")

    def test_one_that_ended_meanwhile_is_told_again_and_not_run_again(self) -> None:
        call_id = self.begin('open("count", "a").write("x"); print("once"); 6 * 7')
        self.assertEqual(self.client.finish(call_id).result["value"], "42")
        for turn in (1, 2):
            self.client.be_next_host(TOKENS[turn], NONCE)
            told = self.client.finish(self.client.send(op="resume", key="call_1"))
            self.assertEqual((told.result["value"], told.stdout), ("42", "once\n"))
        self.client.finish(self.client.send(op="acknowledge", key="call_1"))
        refused = self.client.finish(self.client.send(op="resume", key="call_1")).result
        self.assertEqual((refused["type"], refused["code"]), ("refused", "not_found"))
        self.assertEqual(self.client.exec('open("count").read()').result["value"], "'x'")

    def test_a_call_that_nobody_asks_for_makes_room_for_the_next(self) -> None:
        self.begin('import time\ny = 2\nopen("go", "w").close()\ntime.sleep(600)')
        self.assertTrue(eventually(lambda: self.made("go")))
        self.client.be_next_host(TOKENS[1], NONCE)
        self.assertEqual(self.client.exec("y").result["value"], "2")

    def test_nobody_else_takes_over_and_garbage_waits_for_the_next_host(self) -> None:
        self.client.send_raw(takeover(b"x" * 32))
        self.assertEqual(self.client.exec("1").result["value"], "1")
        self.client.send_raw(b"\xff" * 20)
        self.client.be_next_host(TOKENS[1], NONCE)
        self.assertEqual(self.client.exec("2").result["value"], "2")


class UnattendedTest(unittest.TestCase):
    def test_it_leaves_when_no_host_says_a_word(self) -> None:
        client = KernelClient(**{UNATTENDED_VARIABLE: "0.5"})
        self.addCleanup(client.close)
        began = time.monotonic()
        self.assertNotIn(UNATTENDED_VARIABLE, client.exec("import os; dict(os.environ)").result["value"])
        self.assertEqual(client.process.wait(timeout=10), 0)
        self.assertGreater(time.monotonic() - began, 0.4)


if __name__ == "__main__":
    unittest.main()
