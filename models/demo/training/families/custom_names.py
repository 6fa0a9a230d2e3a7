"""What tools of people's own are called, and what they take."""

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
PLACED = frozenset("city location country origin destination".split())
JOINS = ("for", "of", "in", "with", "on", "at", "to", "from", "about", "called", "named", "by")
# Tools that tell something are asked like questions, those that make something like wishes.
TELLING = frozenset("get check show find fetch lookup read".split())
MAKING = frozenset("create add order book schedule".split())
