"""Messages without words: keys struck at random, pictures, marks, nothing."""

from __future__ import annotations

KEYBOARD_MASH = (
    "asdf", "asdf jkl", "asdfgh", "asdfasdf", "qwerty", "qwertz", "qwe", "zxcv", "zxcvbnm", "hjkl", "jkl;", "fdsa",
    "sdfsdf", "dfgdfg", "aaaa", "aaaaaaaa", "hhhhh", "jjj", "kkkkk", "lkjh", "poiu", "uiop", "wasd", "ghjk", "xxxx",
    "blah blah", "bla bla bla", "asd", "sdf", "dsfsd", "jhgf", "mnbv", "tyui", "rtzu", "yxcv", "abcabc", "zzzzz",
)  # fmt: skip
KEYBOARD_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm", "qwertzuiop", "yxcvbnm", "poiuytrewq", "lkjhgfdsa", "mnbvcxz")
EMOJI = "😀 🤔 👎 🔥 🙈 🐶 🍕 🚗 🌞 ⭐ 💩 🤖 😴 🥳 🦄 🍺 ⚽ 🎂 🌈 😡 🐍 🚀 🐱 🏠 ✈️ 🎸 📚".split()
EMPTY = (
    "", " ", "  ", "\n", ".", "...", "-", "!", "\t", "??", "\n\n", ",", ";", ":", "..", "....", "!!", "!!!", "???", "!?",
    "--", "---", "_", "__", "\"", "'", "''", "\"\"", "()", "[]", "{}", "/", "\\", "*", "**", "~", "…", "–", "—", " .",
    ". .", ". . .", "\n.\n", " \n ", "\t\t", "   ", "|", "#", "`", "```", "<>", ">", "=", "+", "&",
)  # fmt: skip
