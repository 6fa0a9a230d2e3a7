"""Small pieces of code with what they print."""

from __future__ import annotations

import json
import math
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


def _units(text: str) -> int:
    """The length that javascript counts: in units of UTF-16."""
    return len(text.encode("utf-16-le")) // 2


def _listed(scene: Scene, numbers: list[int]) -> str:
    """Some people leave the spaces out."""
    return json.dumps(numbers, separators=None if scene.chance(0.6) else (",", ":"))


def python_snippet(scene: Scene) -> tuple[str, str]:
    rng, words = scene.rng, scene.words
    name, text, n, m = words.variable(), _text(scene), rng.randint(1, 50), words.integer(3)
    numbers = [rng.randint(0, 99) for _ in range(rng.randint(2, 5))]
    made = expression(scene)
    word = words.dictionary_word()
    count = rng.randint(2, 5)
    reduce, listed = rng.choice(list(REDUCTIONS)), _listed(scene, numbers)
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
                f"print({reduce}({listed}))",
                str(REDUCTIONS[reduce](numbers)),
            ),
            (f"def {word}(x):\n    return x * {n}\nprint({word}({m}))", str(n * m)),
            (f'{word} = {{"{name}": {m}}}\nprint({word}["{name}"])', str(m)),
            (f"import math\nprint(math.sqrt({n * n}))", str(float(n))),
            (f'{name} = ["{word}", "{text}"]\nfor item in {name}:\n    print(item)', f"{word}\n{text}"),
            (f"[{name} * {n} for {name} in range({count})]", str([x * n for x in range(count)])),
            (f'print(len("{text}"))', str(len(text))),
            (f'"{word}"[::-1]', repr(word[::-1])),
            (f'print("{text}".split())', str(text.split())),
            (f'print("-".join(["{word}", "{text}"]))', f"{word}-{text}"),
            (f'print(f"{word}: {{{n} + {m}}}")', f"{word}: {n + m}"),
            (f'{name} = {n}\nif {name} > {m}:\n    print("big")\nelse:\n    print("small")', "big" if n > m else "small"),
            (f"{name} = {listed}\n{name}.append({m})\nprint({name})", str([*numbers, m])),
            (f"{name} = 0\nwhile {name} < {count}:\n    {name} += 1\nprint({name})", str(count)),
            (f"import math\nprint(math.gcd({n}, {m}))", str(math.gcd(n, m))),
            (f"list(range({n}, {n + count}))", str(list(range(n, n + count)))),
        )
    )


def javascript_snippet(scene: Scene) -> tuple[str, str]:
    rng, words = scene.rng, scene.words
    name, text, n, m = words.variable(), _text(scene), rng.randint(1, 50), words.integer(3)
    numbers = [rng.randint(0, 99) for _ in range(rng.randint(2, 5))]
    word, count, semicolon = words.dictionary_word(), rng.randint(2, 5), rng.choice((";", ""))
    listed, joined = _listed(scene, numbers), ", ".join(map(str, numbers))
    above = " ".join(str(x) for x in numbers if x > n) or "none"
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
            (f'console.log("{text}".length){semicolon}', str(_units(text))),
            (f'console.log("{word}".split("").reverse().join("")){semicolon}', word[::-1]),
            (f"console.log(Math.max({joined})){semicolon}", str(max(numbers))),
            (f"console.log(`{word}: ${{{n} + {m}}}`){semicolon}", f"{word}: {n + m}"),
            (f"console.log({listed}.reduce((a, b) => a + b, 0)){semicolon}", str(sum(numbers))),
            (f"console.log(JSON.stringify({{ {word}: {m} }})){semicolon}", f'{{"{word}":{m}}}'),
            (f'console.log({n} > {m} ? "big" : "small"){semicolon}', "big" if n > m else "small"),
            (f'for (const item of ["{word}", "{text}"]) {{\n  console.log(item);\n}}', f"{word}\n{text}"),
            (f"const add = (a, b) => a + b{semicolon}\nconsole.log(add({n}, {m})){semicolon}", str(n + m)),
            (f'console.log({listed}.filter(x => x > {n}).join(" ") || "none"){semicolon}', above),
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
            (f"tail -n {rng.randint(1, 9)} {path}", words.lines(1, 4)),
            (f"cp {path} {words.identifier()}.txt", ""),
            (f"sort {path}", words.lines(2, 4)),
            (f"mkdir -p {words.identifier()}/{words.identifier()}", ""),
            (f"echo {text} > {path}", ""),
            (f"du -sh {path}", f"{rng.randint(1, 99)}K\t{path}"),
            ("whoami", words.identifier()),
            (f"find . -name {listed[0]}", f"./{listed[0]}"),
            (f"grep -c {words.dictionary_word()} {path}", str(words.integer(2))),
            (f"chmod +x {path}", ""),
            ("hostname", words.identifier()),
        )
    )
