"""What needs no tool: small talk, names, repeating."""

from __future__ import annotations

import string
from dataclasses import replace

from ..dialogue.scene import Scene, plain
from ..dialogue.schema import Turn

SMALL_TALK = (
    (
        (
            "(hi|hello|hey|hi there|hey there|hello there|good morning|good evening|good afternoon|yo|howdy)[!|.|]",
            "~(greetings|heya|hiya|good day)[!|]",
        ),
        "Hello! How can I help you today?",
    ),
    (
        (
            "how are you[ today| doing|][?|]",
            "how('s it going| do you do| have you been| is it going)[?|]",
            "~(everything fine|you alright|how goes it)?",
        ),
        "I am fine, thank you. What can I do for you?",
    ),
    (
        (
            "(thanks|thank you|thx|ty|thanks a lot|many thanks|great, thanks|cheers|thank you so much|thanks for the help)[!|.|]",
            "~(much obliged|appreciate it|that was helpful, thanks)[!|]",
        ),
        "You are welcome!",
    ),
    (
        (
            "(bye|goodbye|see you|good night|see you later|bye bye|talk to you later|cya)[!|.|]",
            "~(farewell|so long|until next time)[!|]",
        ),
        "Goodbye!",
    ),
    (
        (
            "(who|what) are you[?|]",
            "(tell me about yourself|introduce yourself)",
            "are you (an AI|a robot|human|real|a bot|chatgpt)?",
            "what('s| is) your name?",
            "(what|which) model (are you|is this)?",
            "~what kind of (thing|assistant) are you?",
            "~am i talking to a machine?",
        ),
        "I am a tiny demo language model that runs locally. I can use tools.",
    ),
    (
        (
            "what can you do[?| for me?]",
            "[please |]help[ me|!|]",
            "(how can you help me|what are your features|what are you able to do|what do you know)?",
            "(/help|?|help please)",
            "~what are you good for?",
            "~show me what you've got",
        ),
        "I can calculate, run Python, JavaScript and shell commands, draw plots, read and write files, and search the web. Try: What is 12 * 34?",
    ),
    (
        (
            "(ok|okay|cool|great|nice|good|perfect|awesome|nice work|well done|good job|wow|alright|got it|super)[!|.|]",
            "~(splendid|sweet|lovely|brilliant)[!|]",
        ),
        "Glad to help. What next?",
    ),
    (
        (
            "(no|stop|never mind|nevermind|cancel|forget it|nothing|no thanks|not now)[.|!|]",
            "~(drop it|leave it|scratch that)",
        ),
        "Okay. Tell me when you need something.",
    ),
    (
        ("(yes|sure|yes please|go ahead|yep|yeah|of course)[!|.|]", "~(absolutely|certainly)[!|]"),
        "Okay. What should I do?",
    ),
    (
        (
            "(tell me|do you know|give me|make) a joke[?|.|]",
            "(joke please|make me laugh|say something funny|another joke)",
            "~got any jokes?",
        ),
        "Why do programmers prefer dark mode? Because light attracts bugs.",
    ),
    (
        ("(sorry|my bad|oops|i am sorry|apologies)[!|.|]", "~(pardon me|forgive me)"),
        "No problem. What can I do for you?",
    ),
)
NAME_GIVEN = (
    "My name is {n}",
    "I am {n}",
    "I'm {n}",
    "Call me {n}",
    "(Hi|Hello|Hey), (I'm|my name is|I am) {n}",
    "You can call me {n}",
    "people call me {n}",
    "~The name's {n}",
    "~{n} is my name",
    "~It's {n} here",
)
NAME_ASKED = (
    "(What is|What's|Whats) my name[?|]",
    "who am i?",
    "Do you (remember|know) my name?",
    "(can you |)tell me my name",
    "do you know who I am?",
    "~How am I called?",
    "~Which name did I give you?",
)
REPEAT = (
    "(Repeat|Say|Echo): {t}",
    "(repeat after me|say this|repeat this|please repeat|just say): {t}",
    "(Say|Repeat) {t}",
    "~Answer with exactly this: {t}",
    "~Copy: {t}",
)


def small_talk(scene: Scene) -> list[Turn]:
    patterns, text = scene.rng.choice(SMALL_TALK)
    # Words around it ("you should thanks") would make no sense here.
    user = replace(scene.wording, noise=False).say(patterns)
    casing = scene.rng.choice((str, str.lower, str.capitalize, str.capitalize))
    return [plain(casing(user), text)]


def names(scene: Scene) -> list[Turn]:
    name = scene.words.person()
    given = plain(scene.say(NAME_GIVEN, tidy=True, n=name), f"Nice to meet you, {name}!")
    asked = plain(scene.say(NAME_ASKED), f"Your name is {name}.")
    return [given] if scene.chance(0.25) else [given, asked]


def unknown_name(scene: Scene) -> list[Turn]:
    return [plain(scene.say(NAME_ASKED), "You have not told me your name yet.")]


def repeat(scene: Scene) -> list[Turn]:
    rng, words = scene.rng, scene.words
    x = rng.random()
    if x < 0.45:
        text = words.phrase(1, 9)
    elif x < 0.6:
        text = words.sentence()
    elif x < 0.72:
        text = words.lines(2, 5)
    elif x < 0.82 and words.pieces:
        text = "".join(
            rng.choice(words.pieces) + (" " if rng.random() < 0.3 else "") for _ in range(rng.randint(2, 14))
        ).strip()
    elif x < 0.92:
        text = " ".join(str(words.integer(9)) for _ in range(rng.randint(1, 4)))
    else:
        text = "".join(
            rng.choice(string.ascii_letters + string.digits + ".,:;-_/+*=()!?@#$%&") for _ in range(rng.randint(3, 16))
        )
    shown = f'"{text}"' if '"' not in text and scene.chance(0.2) else text
    return [plain(scene.say(REPEAT, tidy=True, t=shown), text)]
