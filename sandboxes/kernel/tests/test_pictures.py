"""Pictures need the libraries of the sandbox's image; elsewhere this module has no tests."""

import importlib.util
import io
import unittest

from .kernel_client import KernelClient, Outcome

PNG, JPEG = b"\x09image/png\x89PNG", b"\x0aimage/jpeg\xff\xd8"
PYPLOT = "import matplotlib; matplotlib.use('Agg'); import matplotlib.pyplot as plt\n"
ANIMATION = (
    f"{PYPLOT}from matplotlib.animation import FuncAnimation\nfigure, axes = plt.subplots(figsize=(1, 1))\ndrawn = []\n"
)


def load_tests(loader: unittest.TestLoader, tests: unittest.TestSuite, pattern: str | None) -> unittest.TestSuite:
    present = all(importlib.util.find_spec(name) is not None for name in ("matplotlib", "PIL"))
    return tests if present else unittest.TestSuite()


class PicturesTest(unittest.TestCase):
    client: KernelClient

    @classmethod
    def setUpClass(cls) -> None:
        cls.client = KernelClient()
        # What is loaded before a call is watched in it, as the preloaded libraries of a real sandbox are.
        cls.client.exec(f"{ANIMATION}import PIL.Image")

    @classmethod
    def tearDownClass(cls) -> None:
        cls.client.close()

    def run_code(self, code: str) -> Outcome:
        outcome = self.client.exec(code)
        self.assertEqual(outcome.result["outcome"], "completed", outcome.result)
        self.assertTrue(all(image.startswith(PNG) for image in outcome.images))
        self.assertTrue(all(frame.startswith(JPEG) for frame in outcome.frames))
        return outcome

    def images(self, code: str) -> int:
        return len(self.run_code(code).images)

    def test_figures_are_shown_however_they_are_left(self) -> None:
        self.assertEqual(self.images(f"{PYPLOT}plt.plot([1]); plt.figure(); plt.plot([2])"), 2)
        self.assertEqual(self.images("plt.plot([1]); plt.show(); plt.plot([2]); plt.show()"), 2)
        self.assertEqual(self.images("plt.plot([1]); plt.savefig('kept.png'); plt.close()"), 1)
        self.assertEqual(self.images("plt.figure().show()"), 1)
        self.assertEqual(self.images("1"), 0)

    def test_values_that_are_pictures_are_shown(self) -> None:
        self.assertEqual(self.images("from PIL import Image; Image.new('RGB', (2, 2))"), 1)
        self.assertEqual(self.images("Image.new('RGB', (2, 2)).show()"), 1)
        self.assertEqual(self.images("from matplotlib.figure import Figure; Figure()"), 1)
        self.assertEqual(self.images("Image"), 0)

    def test_figures_of_a_failed_call_are_shown_by_it_and_not_by_the_next(self) -> None:
        self.client.exec(PYPLOT)
        failed = self.client.exec("plt.plot([1]); 1 / 0")
        self.assertEqual((failed.result["outcome"], len(failed.images)), ("failed", 1))
        stopped = self.client.exec("plt.plot([1]); import time; time.sleep(60)", timeout=1)
        self.assertEqual((stopped.result["outcome"], len(stopped.images)), ("timed_out", 0))
        self.assertEqual(self.images("1"), 0)

    def test_an_animation_becomes_frames_spread_over_all_of_it(self) -> None:
        outcome = self.run_code(f"{ANIMATION}animation = FuncAnimation(figure, drawn.append, frames=130)")
        self.assertEqual((outcome.result["frames"], len(outcome.frames), len(outcome.images)), (130, 44, 0))

    def test_an_animation_that_is_saved_stays_a_file_and_is_drawn_once(self) -> None:
        outcome = self.run_code(
            f"{ANIMATION}FuncAnimation(figure, drawn.append, frames=5).save('kept.gif', writer='pillow')"
        )
        self.assertEqual((len(outcome.frames), len(outcome.images)), (5, 0))
        self.assertEqual([change["path"] for change in outcome.result["changes"]], ["kept.gif"])
        self.assertEqual(self.run_code("drawn[-5:]").result["value"], "[0, 1, 2, 3, 4]")
        self.assertLess(int(self.run_code("len(drawn)").result["value"]), 8)

    def test_a_loop_with_pauses_becomes_frames_while_it_runs(self) -> None:
        code = f"{PYPLOT}axes = plt.gca()\nfor x in range(3):\n  axes.plot([x]); plt.pause(0.001)\nimport time; time.sleep(60)"
        call_id = self.client.send(op="exec", code=code, timeoutMs=60_000, maxOutputBytes=10)
        for _ in range(3):
            self.assertEqual(chr(self.client.receive()[0]), "V")
        self.client.send(op="interrupt", id=call_id)
        self.assertEqual(self.client.finish(call_id).result["frames"], 3)

    def test_pictures_are_what_they_say(self) -> None:
        image = importlib.import_module("PIL.Image")
        outcome = self.run_code(f"{PYPLOT}plt.plot([1]); plt.pause(0)")
        for data, prefix, kind in ((outcome.images[0], PNG, "PNG"), (outcome.frames[0], JPEG, "JPEG")):
            start = 1 + prefix[0]
            self.assertEqual(image.open(io.BytesIO(data[start:])).format, kind)

    def test_a_picture_that_cannot_be_drawn_fails_the_call_and_not_the_next(self) -> None:
        broken = "class Broken:\n  def _repr_png_(self): raise ValueError('no picture')\nBroken()"
        self.assertIn("no picture", self.client.exec(broken).result["exception"])
        self.assertEqual(self.images("Image = None"), 0)


if __name__ == "__main__":
    unittest.main()
