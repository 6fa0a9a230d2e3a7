"""Ways to say a thing. A pattern stands for dozens of sentences:

    "[please |](calculate|compute) {x}"    [a|b] and (a|b): one of them; {x}: a value, never changed by noise
    "~could {x} be worked out"             ~ at the start: held out, only ever used to test

Then people's habits are laid over it: casing, typing errors, politeness, words around it.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

_CHOICE = re.compile(r"[\[(]([^\[\]()]*)[\])]")
_SLOT = re.compile(r"(\{\w+\})")
_LONG_WORD = re.compile(r"[A-Za-z]{5,}")

# Words around a request. There are many, so that what was never heard is taken for one too.
BEFORE = (
    "(hi|hey|hello|hi there|hey there|hello there|hiya|howdy|good morning|good afternoon|good evening|greetings|aloha)(, |! |. | - |)",
    "(hi|hello|hey|ok|so|now|and|well|thanks)[,|] (bot|computer|machine|assistant|buddy|mate|friend|my dear|sir|everyone)(, |: |! )",
    "(dear|my dear) (assistant|bot|friend|computer|helper)(, |: )",
    "(assistant|computer|bot|buddy|mate|pal|dude|bro|folks|sir|hey you|excuse me|pardon me|sorry|um|uh|er|hmm|oh|ah|ahem|aha|wait)(, |: |... )",
    "(ok|okay|alright|all right|fine|good|great|nice|cool|perfect|super|wonderful|awesome|sweet|lovely|very well|got it|done|yes|yeah|sure)(, |. |! |, and |. Now |, now |: )",
    "(thanks|thank you|thx|many thanks|ta|thanks a lot)(! |. |, and now |, now |. Now |. Next: |, next: )",
    "(now|so|then|and|also|next|first|again|today|finally|please|pls|plz|kindly|well|actually|maybe|perhaps|anyway|besides|meanwhile)(, | |: )",
    "(please|pls|plz|kindly) (help|help me|assist|assist me|be quick|listen to this|do this|do the following)(: |, )",
    "(quick|small|simple|short|easy|little|tiny|silly|stupid|different|new|another|one more|my next|my first) (question|one|task|job|request|thing|favor|wish)(: | - |, )",
    "(question|request|task|job|wish|order|todo|my question|my request|my wish|the task|the job|your task|your job|your mission|what I want)(: | is: | - | = )",
    "(here|this) is (my|the|a|your|our) (question|request|task|job|wish|exercise|problem|homework)(: | - |. )",
    "(I have|I've got|there is|we have) (a|one more|another|a quick|a small|an easy|a last) (question|request|task|job|problem|wish)(: |. | - )",
    "(I need|I could use|I want|we need|I'd like|I would like) (help|your help|some help|a hand|a favor|assistance)(: |. |! )",
    "(I need|I want|we need) (this|it) for (work|school|my homework|a talk|my boss|my report|a friend|university|tomorrow|a project|my notes)(: |. | - )",
    "for (work|school|my homework|a friend|a talk|my boss|my report|a project|the team|my sister|university|fun|science)(: |, )",
    "(my|the|our) (teacher|mother|father|boy|daughter|colleague|customer|professor|friend|brother|wife|chief|manager) (wants|needs|asked for|wonders about|is asking) this(: |. | - )",
    "(I was|I am|I'm|we were|we are|just) (wondering|curious|thinking|asking|trying|testing|playing)(: |, |... )",
    "(can|could|would|will) you (help|help me|help me out|help me with this|do me a favor|do something|assist me|try this)(? |?: )",
    "(do|try|take|check|look at|consider|imagine|start with|begin with|continue with|go on with) this(: |, | one: )",
    "(let's|let us) (see|try|try this|go on|continue|begin|start|do this|move on|test it|play)(: |. |, )",
    "(let me|may I|can I|I must|I have to|I want to|I'd like to) (ask|try|test you|ask you this|ask something|see|check)(: |. | - )",
    "(it's|it is|this is|that is) (urgent|important|easy|for school|for work|only a test|not urgent|a bit odd|my last one|for my mum)(: |, but |. )",
    "(this|one) time(: |, )", "(once|one) more(: |, )", "(back to|on with|off to) work(: |. )",
    "if (it's not too much trouble|you don't mind|you please|you would|you like|I may ask|you are free|nobody minds)(: |, )",
    "(be|would you be) (nice|kind|a dear|quick|an angel|so nice)(: |, |. )",
    "(step|part|number|no.|item|exercise|task|question) (1|2|3|4|5|one|two|three)(: |. | - )",
    "(1|2|3|a|b)(. |: )", "(- |* |> |-> |... |: )", "(fyi|asap|btw|by the way|in short|long story short|to be quick|no joke|seriously|honestly)(, |: )",
    "(I am back|back again|me again|it's me|still here|sorry for the delay|sorry to bother you|sorry for asking)(: |, |. )",
)  # fmt: skip
# Only what tells someone to do something goes with these.
BEFORE_ORDERS = (
    "(could|can|would|will) you (please |kindly |maybe |quickly |now |just |)",
    "(I'd like|I would like|I want|I need|we need|we want|I'd love) you to ", "(please |)go ahead and ",
    "(you should|you have to|you must|you may|you can|now you can|try to|time to|help me to|help me|make sure to|remember to) ",
    "(would you mind to|are you able to|is it possible to|please just|just|simply|quickly|now please|please now|please do) ",
)  # fmt: skip
HELD_OUT_BEFORE = ("yo, ", "Right, ", "If you have a minute: ", "Listen, ", "my boss asks: ")
HELD_OUT_BEFORE_ORDERS = ("be so kind and ",)
AFTER = (
    "[,] (please|pls|plz|thanks|thank you|thx|ty)[!|.|]",
    ", (please|pls|plz|thanks|thank you|thx|ty|ta|many thanks|thanks a lot|thanks in advance|thank you very much|please and thank you|much obliged)[!|.|]",
    ", (buddy|mate|pal|my friend|friend|dear|sir|bot|computer|assistant|bro|man|dude|my dear|okay|ok|yes|yeah|alright|will you|can you|could you|won't you|can't you)[?|!|.|]",
    ", (if you can|if you don't mind|if you would|if you please|if I may ask|if that's okay|if it works|when you can|when you have time|as soon as you can|as fast as you can|as always|as usual|nothing else|that's all|no more)[!|.|]",
    ", (just for me|for me|for us|for my boss|for the team|for a friend|for my homework|for fun|for school|for work|just to see|just curious|I'm just curious|out of curiosity)[!|.|]",
    ", (quick|quickly|now|right now|at once|immediately|straight away|this instant|today|soon|fast|hurry up|go|go on|asap|chop chop|be quick|be careful)[!|.|]",
    " (for me|now|quickly|asap|at once|immediately|straight away|right now|if you can|when you can|as soon as you can|when you have time|as fast as you can|without delay)[!|.|]",
    "[.|!|?] (Thanks|Thank you|Thx|Many thanks|Thanks a lot|Thanks in advance|Thank you so much|Please|Pretty please|Bye|Kisses|Greetings|Best wishes|Hugs|Amen|Over|Done|End)[!|.|]",
    "[.|!|?] (I|We) (need|want|must have) (it|this|that) (for work|today|now|tonight|for school|tomorrow|for a talk|soon|for my boss|for my report|badly|very much|by noon|before lunch)[!|.|]",
    "[.|!|?] (I am|I'm|We are) (in a hurry|curious|waiting|late|excited|lost|tired|in a meeting|on the train|counting on you|all ears|grateful|very busy|not in a hurry)[!|.|]",
    "[.|!|?] (It|This|That) (is|was) (urgent|important|for school|for work|for my homework|for a friend|not urgent|only a test|just for fun|a test|my last question|all|all I need|everything)[!|.|]",
    "[.|!|?] (My|The|Our) (teacher|boss|mother|friend|son|daughter|customer|colleague|team|sister) (wants to know|needs it|asked me|is waiting|wants it|would like it|is asking)[!|.|]",
    "[.|!|?] (Can|Could|Will|Would) you (do that|do it|help|manage|do this for me|help me|handle that)?",
    "[.|!|?] (Be|Please be) (quick|fast|careful|precise|nice|brief|exact|good)[!|.|]",
    "[.|!|?] (No rush|No hurry|Take your time|Go|Go on|Do it|Hurry|Come on|Quick|Chop chop|Get going|Hop|Make it quick|Off you go|You know what to do|I trust you|You can do it|Show me what you can)[!|.|]",
    "[.|!|?] (That's all|That is all|Nothing else|No more|I'll wait|I will wait|I owe you one|I appreciate it|You are great|You're the best|What do you think|Is that okay|Okay|Got it|Understood|Clear)[!|.|?|]",
    "(!|!!|?|??|...|.|!?|?!|;|,| ?| !|???)",
    " (:D|:P|xD|^^|<3|🙂|🙏|👍|😊|😀|🎉|❤)", " :)", " ;)", " :-)",
)  # fmt: skip
HELD_OUT_AFTER = (" if possible", " cheers", ", would you?", ". Much appreciated.", " right away")
_ORDER = re.compile(
    r"(add|answer|ask|book|bring|browse|build|calculate|call|cancel|check|compute|convert|copy|count|create|display|divide|do|"
    r"download|draw|duplicate|echo|evaluate|execute|fetch|figure|fill|find|generate|get|give|go|google|graph|hand|invoke|"
    r"jot|keep|list|load|look|make|multiply|note|open|paint|paste|plot|print|pull|put|quote|read|recite|remember|repeat|"
    r"report|retrieve|reverse|run|save|say|search|send|set|show|sketch|solve|sort|start|store|subtract|sum|take|tell|"
    r"trigger|try|turn|type|use|visit|work|write)\b", re.IGNORECASE
)  # fmt: skip


@dataclass(frozen=True)
class Wording:
    """Says things in many ways. `held_out`: in those ways alone that training never uses."""

    rng: random.Random
    held_out: bool
    noise: bool = True
    # How often a pattern is taken beside others; 1 where nothing is said.
    emphasis: Mapping[str, float] = field(default_factory=dict)
    # The patterns taken until now.
    taken: list[str] = field(default_factory=list)

    def say(self, patterns: Sequence[str], tidy: bool = False, **values: object) -> str:
        """One sentence; `tidy` where words after the last value would seem to belong to it."""
        parts = _SLOT.split(self._choose(self.take(patterns)))
        if self.noise:
            parts = self._habits(parts, tidy)
        return "".join(str(values[part[1:-1]]) if _SLOT.fullmatch(part) else part for part in parts)

    def take(self, patterns: Sequence[str]) -> str:
        return self.take_titled([(pattern, "") for pattern in patterns])[0]

    def take_titled(self, pairs: Sequence[tuple[str, str]]) -> tuple[str, str]:
        """A pattern, and what goes with it."""
        usable = [pair for pair in pairs if pair[0].startswith("~") == self.held_out] or pairs
        if self.emphasis:
            pattern, title = self.rng.choices(usable, [self.emphasis.get(pattern, 1) for pattern, _ in usable])[0]
        else:
            pattern, title = self.rng.choice(usable)
        self.taken.append(pattern)
        return pattern.removeprefix("~"), title

    def _choose(self, pattern: str) -> str:
        while (match := _CHOICE.search(pattern)) is not None:
            pattern = pattern[: match.start()] + self.rng.choice(match[1].split("|")) + pattern[match.end() :]
        return pattern

    def _habits(self, parts: list[str], tidy: bool) -> list[str]:
        rng = self.rng
        if rng.random() < 0.3:
            parts[0] = self._choose(rng.choice(self._beginnings(parts[0]))) + _lower_first(parts[0])
        if not tidy and rng.random() < 0.3:
            ending = self._choose(rng.choice(HELD_OUT_AFTER if self.held_out else AFTER))
            parts[-1] = parts[-1].rstrip("?.!") + ending
        casing = rng.random()
        if casing < 0.3:
            parts = [part if _SLOT.fullmatch(part) else part.lower() for part in parts]
        elif casing < 0.5:
            parts[0] = parts[0][:1].upper() + parts[0][1:]
        elif casing < 0.515:
            parts = [part if _SLOT.fullmatch(part) else part.upper() for part in parts]
        if rng.random() < 0.12:
            parts = [part if _SLOT.fullmatch(part) else self._mistype(part) for part in parts]
        if not tidy and rng.random() < 0.15:
            parts[-1] = parts[-1].rstrip("?.!")
        return parts

    def _beginnings(self, text: str) -> tuple[str, ...]:
        if _ORDER.match(text) and self.rng.random() < 0.25:
            return HELD_OUT_BEFORE_ORDERS if self.held_out else BEFORE_ORDERS
        return HELD_OUT_BEFORE if self.held_out else BEFORE

    def _mistype(self, text: str) -> str:
        words = list(_LONG_WORD.finditer(text))
        if not words:
            return text
        word = self.rng.choice(words)
        at = self.rng.randint(word.start() + 1, word.end() - 2)
        slip = self.rng.random()
        if slip < 0.4:
            return text[:at] + text[at + 1] + text[at] + text[at + 2 :]
        if slip < 0.8:
            return text[:at] + text[at + 1 :]
        return text[:at] + text[at] + text[at:]


def _lower_first(text: str) -> str:
    return text if text[:2] == "I " else text[:1].lower() + text[1:]
