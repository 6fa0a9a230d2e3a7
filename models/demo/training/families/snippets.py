"""Small pieces of code with what they print."""

from __future__ import annotations

import json
from collections.abc import Callable

from ..dialogue.scene import Scene
from .expressions import expression

REDUCTIONS: dict[str, Callable[[list[int]], object]] = {
    "sum": sum,
    "max": max,
    "min": min,
    "sorted": sorted,
    "len": len,
}


def _text(scene: Scene) -> str:
    return scene.words.phrase(1, 4).replace("'", "").replace('"', "")


def python_snippet(scene: Scene) -> tuple[str, str]:
    rng, words = scene.rng, scene.words
    name, text, n, m = words.variable(), _text(scene), rng.randint(1, 50), words.integer(3)
    numbers = [rng.randint(0, 99) for _ in range(rng.randint(2, 5))]
    made = expression(scene)
    word = words.dictionary_word()
    count = rng.randint(2, 5)
    reduce = rng.choice(list(REDUCTIONS))
    return rng.choice(
        (
            (f'print("{text}")', text),
            (f"print('{text}')", text),
            (f"print({made.code})", made.value),
            (made.code, made.value),
            (f"for {name} in range({count}):\n    print({name})", "\n".join(map(str, range(count)))),
            (f"{name} = {n}\nprint({name} + {m})", str(n + m)),
            (f"{name} = {n}", "[no output]"),
            (f'print("{word}".upper())', word.upper()),
            (f'"{word}".title()', repr(word.title())),
            (
                f"print({reduce}({numbers}))",
                str(REDUCTIONS[reduce](numbers)),
            ),
            (f"def {word}(x):\n    return x * {n}\nprint({word}({m}))", str(n * m)),
            (f'{word} = {{"{name}": {m}}}\nprint({word}["{name}"])', str(m)),
            (f"import math\nprint(math.sqrt({n * n}))", str(float(n))),
            (f'{name} = ["{word}", "{text}"]\nfor item in {name}:\n    print(item)', f"{word}\n{text}"),
        )
    )


def javascript_snippet(scene: Scene) -> tuple[str, str]:
    rng, words = scene.rng, scene.words
    name, text, n, m = words.variable(), _text(scene), rng.randint(1, 50), words.integer(3)
    numbers = [rng.randint(0, 99) for _ in range(rng.randint(2, 5))]
    word, count, semicolon = words.dictionary_word(), rng.randint(2, 5), rng.choice((";", ""))
    return rng.choice(
        (
            (f'console.log("{text}"){semicolon}', text),
            (f"console.log('{text}'){semicolon}", text),
            (f"console.log({n} + {m}){semicolon}", str(n + m)),
            (f"{n} * {m}", str(n * m)),
            (
                f"for (let {name} = 0; {name} < {count}; {name}++) console.log({name}){semicolon}",
                "\n".join(map(str, range(count))),
            ),
            (
                f'console.log({json.dumps(numbers)}.map(x => x * {n}).join(",")){semicolon}',
                ",".join(str(x * n) for x in numbers),
            ),
            (f"const {name} = {n}{semicolon}\nconsole.log({name} * {m}){semicolon}", str(n * m)),
            (f'"{word}".toUpperCase(){semicolon}', word.upper()),
            (f"let {name} = {n}{semicolon}", "(Nothing was printed, and the value is undefined.)"),
            (f"function {word}(x) {{\n  return x + {n};\n}}\nconsole.log({word}({m}));", str(n + m)),
            (f'await writeFile("{word}.txt", "{text}"); console.log("saved")', "saved"),
        )
    )


def shell_snippet(scene: Scene) -> tuple[str, str]:
    rng, words = scene.rng, scene.words
    text, path = _text(scene), words.file_name(("txt", "md", "csv", "log", "py"))
    listed = [words.file_name(("txt", "py", "csv")) for _ in range(rng.randint(1, 5))]
    long_rows = [
        f"-rw-r--r-- 1 user user {words.integer(5)} Nov {rng.randint(1, 28)} {rng.randint(0, 23):02d}:{rng.randint(0, 59):02d} {name}"
        for name in listed
    ]
    return rng.choice(
        (
            (f"echo {text}", text),
            (f'echo "{text}"', text),
            ("ls", "\n".join(listed)),
            ("ls -la", f"total {words.integer(3)}\n" + "\n".join(long_rows)),
            ("ls -l", f"total {words.integer(3)}\n" + "\n".join(long_rows)),
            (f"cat {path}", words.lines(1, 4)),
            (f"wc -l {path}", f"{words.integer(4)} {path}"),
            (f"mkdir {words.identifier()}", ""),
            (f"touch {path}", ""),
            (f"rm {path}", ""),
            (f"mv {path} {words.identifier()}.txt", ""),
            (f"head -n {rng.randint(1, 9)} {path}", words.lines(1, 4)),
            (f"grep {words.dictionary_word()} {path}", words.lines(1, 3)),
            ("pwd", "/workspace"),
            ("date", f"Sat Nov {rng.randint(1, 28)} {rng.randint(0, 23):02d}:{rng.randint(0, 59):02d}:00 UTC 2026"),
            (f"seq {rng.randint(2, 4)}", "\n".join(map(str, range(1, 5)))),
            ("uname -a", f"Linux {words.identifier()} 6.{rng.randint(1, 18)}.0 x86_64 GNU/Linux"),
            (f"python3 {words.identifier()}.py", words.sentence()),
        )
    )
