import unittest

from gantry_kernel.head_count import HeadCount


class HeadCountTest(unittest.TestCase):
    def count(self, *seen: int | None) -> HeadCount:
        """What is counted when it is made, when the interpreter has come, and from then on."""
        left = list(seen)
        head_count = HeadCount(lambda: left.pop(0))
        head_count.interpreter_is_there()
        return head_count

    def test_only_the_interpreter_is_there_when_there_are_as_many_as_before_any_call(self) -> None:
        head_count = self.count(2, 3, 4, 3)
        self.assertFalse(head_count.is_at_rest())
        self.assertTrue(head_count.is_at_rest())

    def test_a_later_interpreter_may_have_come_to_what_calls_left(self) -> None:
        head_count = self.count(2, 3, 4, 4, 3)
        head_count.interpreter_is_there()
        self.assertFalse(head_count.is_at_rest())
        self.assertTrue(head_count.is_at_rest())
        never = self.count(2, 2, 3, 3)
        never.interpreter_is_there()
        self.assertFalse(never.is_at_rest())

    def test_where_tasks_are_not_counted_nothing_is_known(self) -> None:
        self.assertFalse(self.count(None, None).is_at_rest())
        self.assertFalse(self.count(1, None).is_at_rest())
        self.assertFalse(self.count(1, 2, None).is_at_rest())

    def test_a_number_that_the_interpreter_did_not_raise_by_one_proves_nothing(self) -> None:
        for before, after in ((1, 1), (2, 2), (1, 3), (3, 2)):
            self.assertFalse(self.count(before, after, after).is_at_rest())


if __name__ == "__main__":
    unittest.main()
