"""All families of tasks: how often each is drawn, and the tool that it hangs on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..dialogue.scene import Scene
from ..dialogue.schema import Turn
from . import arithmetic, chains, code, conversation, custom, files, plots, programs, refusals, web


@dataclass(frozen=True)
class Family:
    make: Callable[[Scene], list[Turn]]
    weight: float
    tool: str | None = None
    # In the first lessons, where short texts teach copying; 0: not there.
    first_weight: float = 0.0

    @property
    def name(self) -> str:
        return self.make.__name__


FAMILIES = (
    Family(arithmetic.arithmetic, 20, "python", 10),
    Family(arithmetic.several_sums, 8, "python", 3),
    Family(arithmetic.follow_up, 18, "python"),
    Family(arithmetic.sum_and_save, 6, "python"),
    Family(programs.small_program, 15, "python", 8),
    Family(code.run_python, 7, "python", 8),
    Family(code.run_javascript, 6, "javascript", 8),
    Family(code.run_shell, 14, "terminal", 8),
    Family(code.keep_variable, 8, "python"),
    Family(plots.plot, 7, "python"),
    Family(plots.bar_chart, 6, "python"),
    Family(files.write, 11, "write_file", 14),
    Family(files.read, 9, "read_file", 5),
    Family(files.read_several, 8, "read_file", 3),
    Family(files.list_files, 7, "list_files", 2),
    Family(files.count_words, 5, "python"),
    Family(web.search, 14, "web_search", 7),
    Family(web.several_searches, 8, "web_search"),
    Family(web.search_and_save, 7, "web_search"),
    Family(web.fetch, 8, "fetch_url", 4),
    Family(chains.search_and_open, 8, "web_search"),
    Family(chains.add_up_file, 6, "read_file"),
    Family(chains.read_first, 6, "list_files"),
    Family(chains.copy_file, 8, "read_file"),
    Family(chains.sum_and_read, 6, "python"),
    Family(custom.custom, 12, None, 8),
    Family(custom.missing_custom, 4),
    Family(conversation.small_talk, 32, None, 2),
    Family(refusals.out_of_domain, 18, None, 2),
    Family(refusals.other_language, 5),
    Family(refusals.empty_prompt, 1.5),
    Family(refusals.gibberish, 3),
    Family(refusals.very_long, 0.8),
    Family(refusals.injected_markup, 1.5),
    Family(conversation.names, 6, None, 2),
    Family(conversation.unknown_name, 4),
    Family(conversation.repeat, 7, None, 20),
)
BY_NAME = {family.name: family for family in FAMILIES}
