"""How people ask for tools of their own, and what such tools are called."""

VERBS = (
    "get set list create delete send find update play open start check add remove show stop book turn cancel fetch "
    "read save search schedule order lookup edit rename assign close track buy pay post notify enable disable lock "
    "unlock reset restart pause resume share upload download rate convert translate count print copy move archive"
).split()
NOUNS = (
    "weather lamp order song user alarm room ticket invoice forecast light calendar event meeting message email "
    "contact stock price reminder note task timer playlist movie recipe flight hotel taxi package shipment customer "
    "account balance payment refund product cart device thermostat temperature camera door window volume channel "
    "article document report project issue comment page photo album map route train station score game match "
    "appointment table seat menu book word job server backup log city country rate currency translation text"
).split()
PARAMETERS = (
    "city name id date title message to amount unit color user level room time topic count text location country "
    "recipient subject body price quantity status language query symbol email phone address from start end day year "
    "hour minutes page limit temperature brightness volume category priority description note label order_id user_id "
    "product size type format target_language origin destination artist genre currency code number zone key value"
).split()
NUMERIC = frozenset(
    "amount level count price quantity year hour minutes page limit temperature brightness volume size number".split()
)
JOINS = ("for", "of", "in", "with", "on", "at", "to", "from", "about", "called", "named", "by")
# Tools that tell something are asked like questions, those that make something like wishes.
TELLING = frozenset("get check show find fetch lookup read".split())
MAKING = frozenset("create add order book schedule".split())

WITHOUT_VALUE = (
    "{v} [the |my |]{n}",
    "(can|could) you {v} the {n}?",
    "I want to {v} the {n}",
    "(would|will) you [please |kindly |]{v} (the|my|our|that) {n}?",
    "(I|we) (need to|have to|must|should|would like to) {v} (the|my|our|that) {n}",
    "(I need|I want|I'd like) you to {v} (the|my|our) {n}",
    "(time to|it's time to|don't forget to|just|simply|quickly) {v} (the|my|our) {n}",
    "(the|my|our) {n}(,| -|:) {v} it",
    "(is it possible to|would it be possible to|are you able to) {v} (the|my|our) {n}?",
    "(do me a favour and|be nice and|go on and) {v} (the|my|our) {n}",
    "(I can't do it myself|I'm busy|I'm in a hurry|my hands are full), {v} (the|my) {n}",
    "{n}: {v}",
    "{v} {n}",
    "~let's {v} the {n}",
)
WITHOUT_VALUE_TELLING = (
    "what('s| is) (the|my|our) {n}?",
    "(tell me|give me|I need|I want to know|I'd like to see) (the|my|our) {n}",
    "(any|how about the|what about the) {n}?",
    "(the|my) {n} please",
    "~let's {v} the {n}",
)
WITH_VALUE = (
    "{v} [the |a |my |]{n} {j} {x}",
    "(can|could) you {v} the {n} {j} {x}?",
    "(I want|I need) to {v} the {n} {j} {x}",
    "(would|will|can) you [please |kindly |]{v} (a|the|my|our) {n} {j} {x}?",
    "(I|we) (have to|must|should|would like to|wish to) {v} (a|the|my|our) {n} {j} {x}",
    "(I need|I want|I'd like) you to {v} (a|the|my) {n} {j} {x}",
    "(time to|it's time to|don't forget to|just|simply|quickly) {v} (a|the|my) {n} {j} {x}",
    "(is it possible to|would it be possible to|are you able to) {v} (a|the|my) {n} {j} {x}?",
    "(do me a favour and|be nice and|go on and) {v} (a|the|my) {n} {j} {x}",
    "(I can't do it myself|I'm busy|I'm in a hurry|my hands are full), {v} (a|the|my) {n} {j} {x}",
    "{v} {n} {x}",
    "{v} {n}: {x}",
    "{n} {v}: {x}",
    "(here is a {n} to {v}|one {n} to {v}|a {n} to {v}): {x}",
    "(it's about|this concerns) a {n}, {v} it {j} {x}",
    "~let's {v} the {n} {j} {x}",
)
WITH_VALUE_TELLING = (
    "what('s| is) the {n} {j} {x}?",
    "(tell me|give me|I need|I want to know|I'd like to see|let me know) the {n} {j} {x}",
    "(any|is there a|do you have the|do we have a|what about the|how about the) {n} {j} {x}?",
    "(I wonder what|do you know what|can you tell me what) the {n} {j} {x} is",
    "[the |]{n} {j} {x}",
    "[the |]{n}: {x}",
    "~let's {v} the {n} {j} {x}",
)
WITH_VALUE_MAKING = (
    "(I need|I want|I'd like|we need|I could use) a [new |]{n} {j} {x}",
    "(a|one|another) [new |]{n} {j} {x}",
    "(can|could|may) (I|we) (have|get) a {n} {j} {x}?",
    "new {n}: {x}",
    "~let's {v} the {n} {j} {x}",
)
BY_NAME_ALONE = (
    "(call|use|run) [the tool |]{t}",
    "{t}",
    "(use|call) the {t} tool",
    "(start|trigger|invoke|execute|try|launch|fire) [the tool |]{t}",
    "(can|could|would|will) you [please |](call|run|use|invoke|execute|trigger) {t}?",
    "(I need|I want|I'd like|we need) (you to (call|run|use) |)[the tool |]{t}",
    "(run|call|use) (the|my) (tool|function) (called|named) {t}",
    "(make|do) a call to {t}",
    "[the |](tool|function): {t}",
    "{t}(,| -) (run it|call it|use that)",
    "{t}()",
    "~{t}, go",
)
BY_NAME = (
    "(Call|Use|Run) [the tool |]{t} with {p}",
    "(Call|Use|Run) the {t} tool with {p}",
    "{t} {p}",
    "(please|can you) (call|use) {t}: {p}",
    "{v} the {n} with {p}",
    "(Invoke|Execute|Trigger|Start|Try|Launch) [the tool |the function |]{t} (with|using|on|for) {p}",
    "(would|will|could|can) you [please |kindly |](call|run|use|invoke|execute|trigger) {t} (with|using) {p}",
    "(I need|I want|I'd like) (you to (call|run|use) |)[the tool |]{t} (with|using) {p}",
    "(We|I) (must|have to|should|need to) (call|run|use) {t} with {p}",
    "(With|Using|For|Given) {p}[,|:] (call|run|use) {t}",
    "(Pass|Give|Hand|Send) {p} to [the tool |the function |]{t}",
    "(make|do) a call to {t} (with|using) {p}",
    "{t}: {p}",
    "{t} (with|using|for) {p}",
    "tool {t}[,|:] {p}",
    "(run|call|use) the (tool|function) (called|named) {t} (with|on) {p}",
    "(can|could|would) you [please |]{v} (the|a|my) {n} (with|using|where) {p}?",
    "(I want|I need|I'd like) to {v} (a|the|my) {n} (with|using) {p}",
    "{v} (a|the|my) {n}: {p}",
    "{v} {n}, {p}",
    "{v} {n} {p}",
    "here are the (details|values|data) to {v} the {n}: {p}",
    "{p} - {v} (the|a) {n}",
    "~{t}, arguments: {p}",
    "~have {t} go with {p}",
)
MISSING = (
    "(Call|Use|Run) [the tool |]{t} with {p}",
    "(use|call) the {t} tool with {p}",
    "(Invoke|Execute|Trigger|Start|Try|Launch) [the tool |the function |]{t} (with|using|on) {p}",
    "(would|will|could|can) you [please |kindly |](call|run|use|invoke|execute|trigger) {t} (with|using) {p}",
    "(I need|I want|I'd like) (you to (call|run|use) |)[the tool |]{t} (with|using) {p}",
    "(We|I) (must|have to|should|need to) (call|run|use) {t} with {p}",
    "(With|Using|Given) {p}[,|:] (call|run|use) {t}",
    "(Pass|Give|Hand) {p} to [the tool |the function |]{t}",
    "(make|do) a call to {t} (with|using) {p}",
    "tool {t}[,|:] {p}",
    "(run|call|use) the (tool|function) (called|named) {t} (with|on) {p}",
    "{t}: {p}",
    "~{t}, arguments: {p}",
)
