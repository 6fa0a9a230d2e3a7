"""Words that people really use, where a dictionary has mostly rare ones; and how they go together."""

from __future__ import annotations

# Also in dialogues that test: only what is below is kept apart.
EVERYDAY = (
    "apple bread coffee tea milk cheese rice soup salad pizza dinner lunch recipe kitchen garden house room door "
    "window table chair car bike bus train flight airport hotel ticket travel trip map city town village country "
    "river lake sea mountain forest island beach weather rain snow wind sun moon star space planet earth dog cat "
    "bird fish horse panda lion tree flower music song film movie book story game football tennis chess school "
    "teacher student lesson test exam history science math physics biology language word letter paper pen phone "
    "computer laptop screen keyboard software server network database python javascript linux windows browser "
    "website internet email message meeting project plan budget invoice price market bank money tax job work team "
    "office company customer report note list task deadline doctor health sleep sport running energy solar battery "
    "water oil gas paint color red blue green yellow black white big small old new fast slow cheap best good early "
    "late morning evening monday friday summer winter spring birthday party family mother father brother friend "
    "child baby king queen war peace law news election president art museum photo camera design fashion shoe shirt"
).split()
NOUNS = (
    "address age agenda air album alarm animal answer ant apartment arm article artist aunt author balcony ball banana "
    "band bath bean bear bed bee beer bell bench berry bill bin biscuit blanket blog boat body bone boot border bottle "
    "bowl boy brain branch breakfast bridge broom brush bucket bug building burger butter button cabin cable cactus "
    "cake calendar candle canoe cap card carpet carrot case castle ceiling cell chain chapter charger chart chat "
    "checklist cherry chicken chocolate church cinema circle class clay cliff clock cloud coat code coin collar "
    "colour comment concert contact cookie copy corner cost cotton country couple course cousin cow crab crowd crown "
    "cup curtain customer dance data date daughter deal desert desk detail diary dice diet draft drawer dream dress "
    "drink driver drum duck dust ear earring east edge egg elephant engine entry error essay event example exercise "
    "export eye fact factory farm farmer fee feeling fence festival field figure finger fire flag floor flour fly fog "
    "folder food foot fork form fox frame fridge frog fruit fuel fun future gallery garage garlic gate ghost giant "
    "gift giraffe girl glass glove goal goat goose grape grass group guest guide guitar hair hall hammer hand harbour "
    "hat heart heater height helmet herb hero hill hobby hole holiday home honey hospital hour human ice idea image "
    "import income index inn insect issue item jacket jam jar job joke journal journey judge juice jungle kangaroo "
    "key kid kitten knee knife label lamp land lane leaf leg lemon lesson level library light line lion list loan lock "
    "log lorry machine magazine mail manual mask match meal meat member memo memory menu metal middle minute mirror "
    "mistake model monkey month moss mouse mouth mug mushroom nail name nap neck needle nest net newspaper night noise "
    "noodle north nose notebook notice number nurse nut oak object ocean onion orange orchestra order owl owner page "
    "pain pair palace pan pancake panel parcel park parrot part partner passport password path patient pea peach pear "
    "pencil penguin people pepper person pet picnic picture pie pig pillow pilot pine pipe place plane plant plate "
    "player plum pocket poem point police pond pony pool port post postcard poster pot potato present printer prize "
    "problem profile program puppy purse puzzle quarter question quiz rabbit race radio railway rainbow rat reader "
    "reason receipt record reminder rent reply result ring robot rocket roof rope rose rule sail salt sand sandwich "
    "sauce saw scarf schedule score script seat secret seed sentence settings shadow shark sheep shelf shell ship shop "
    "shoulder shower sign singer sister size skill skin sky snack snail snake soap sock sofa soil son sound south "
    "spider spoon squirrel stage stairs station status step stick stone storm story stove strawberry street string "
    "student style sugar suit suitcase summary surprise swan swim symbol table tail tale tape taxi tea teaspoon "
    "telescope tent text theatre thing ticket tie tiger time title toast tomato tool tooth topic towel tower town toy "
    "tractor trail trick truck tunnel turtle twin umbrella uncle uniform user valley van vase vegetable version video "
    "view violin visitor voice volcano vote wagon waiter wall wallet wardrobe wave way week weight west whale wheat "
    "wheel wing winner wire wish wolf woman wood word worker world worm writer yard year yoghurt zebra zoo"
).split()
VERBS = (
    "add agree answer arrive ask bake begin borrow break bring build buy call carry change check choose clean climb "
    "close collect come cook count cross cry cut dance decide deliver dig draw drink drive drop eat enjoy explain fall "
    "feed feel fight fill find finish fix fly fold follow forget get give go grow guess happen hate have hear help "
    "hide hold hope invite join jump keep kick know laugh learn leave lend lift like listen live look lose love make "
    "meet mix move need notice offer open pack paint park pass pay pick plan plant play pour prepare promise pull push "
    "reach read remember rent repair rest return ride ring rise sell send share shine shout show sing sit skip sleep "
    "smell smile sort speak spend stand start stay steal stop study swim talk taste teach tell thank throw touch "
    "train trust try turn use visit wait wake walk wash watch water wear win wish work worry write"
).split()
ADJECTIVES = (
    "afraid angry bitter bored brave bright broken brown busy calm careful clean clear clever cold cool correct crazy "
    "curious dangerous dark deep dirty dry dull dusty easy empty evil famous fat final fine flat free fresh friendly "
    "full funny gentle glad grey happy hard healthy heavy high hollow honest hot huge hungry important kind late lazy "
    "left light little local lonely long loud low lucky narrow near nervous next nice noisy open orange pink plain "
    "polite poor pretty proud public purple quick quiet ready real rich right ripe rough round rude sad safe salty "
    "secret serious shallow sharp shiny short shy sick silent silly silver simple sleepy smart smooth soft sour special "
    "spicy square steep sticky strange strong sweet tall tasty thick thin tiny tired true ugly useful warm weak wet "
    "whole wide wild wise wonderful wooden wrong young"
).split()
PLACES = (
    "Athens Amsterdam Bangkok Barcelona Beijing Belgium Berlin Bern Bolivia Boston Brazil Bremen Cairo Canada Chicago "
    "Chile China Cologne Copenhagen Croatia Cuba Delhi Denmark Dublin Edinburgh Egypt England Europe Finland Florence "
    "Florida France Geneva Germany Ghana Greece Hamburg Hanoi Hawaii Helsinki Iceland India Ireland Istanbul Italy "
    "Jakarta Jamaica Japan Jordan Kenya Korea Kyoto Leeds Lima London Madrid Malta Manila Mexico Milan Morocco Moscow "
    "Munich Nairobi Naples Nepal Nigeria Norway Osaka Ottawa Paris Peru Poland Porto Portugal Prague Rome Russia "
    "Scotland Seoul Spain Sweden Sydney Texas Tokyo Toronto Turkey Venice Vienna Vietnam Wales Warsaw Zurich"
).split()

# What stands for a word of a kind; the rest is said as it stands.
STATEMENTS = (
    "the NOUN is ADJECTIVE", "my NOUN is ADJECTIVE", "our NOUN was ADJECTIVE and the NOUN was not", "VERB the NOUN",
    "VERB the NOUN and VERB the NOUN", "remember to VERB the NOUN", "don't VERB the ADJECTIVE NOUN", "I VERB a NOUN",
    "we VERB every NOUN in PLACE", "PLACE is a ADJECTIVE place", "PLACE is the NOUN of PLACE", "my NOUN is from PLACE",
    "the NOUN has a ADJECTIVE NOUN", "a NOUN and a NOUN", "ADJECTIVE NOUN, ADJECTIVE NOUN", "NOUN, NOUN, NOUN",
    "NOUN and NOUN", "it is ADJECTIVE in PLACE", "the NOUN of the NOUN", "NUMBER NOUN and NUMBER NOUN",
    "VERB NUMBER NOUN for the NOUN", "dear NAME, the NOUN is ADJECTIVE", "NAME and NAME VERB in PLACE",
    "NAME has NUMBER NOUN", "my name is NAME", "NAME is my ADJECTIVE NOUN", "call NAME about the NOUN", "the end",
    "this is a NOUN", "there is no NOUN", "all is ADJECTIVE", "it works", "to do: VERB the NOUN", "hello PLACE",
    "the ADJECTIVE NOUN can VERB", "who VERB the NOUN?", "what a ADJECTIVE NOUN!", "see you in PLACE", "no NOUN today",
)  # fmt: skip
THINGS = (
    "NOUN", "NOUN", "ADJECTIVE NOUN", "ADJECTIVE NOUN", "NOUN NOUN", "ADJECTIVE ADJECTIVE NOUN", "ADJECTIVE NOUN NOUN",
    "PLACE NOUN", "NOUN PLACE", "VERB NOUN", "NOUN NOUN NOUN", "NUMBER NOUN",
)  # fmt: skip
# What queries begin with.
TOPICS = (
    "latest news about;history of;best;cheap;how to repair;how to cook;what is;who invented;weather in;price of;"
    "tutorial for;population of;capital of;reviews of;difference between;symptoms of;open source;benefits of"
).split(";")
QUERIES = (
    "best NOUN for NOUN", "best NOUN in PLACE", "ADJECTIVE NOUN PLACE", "cheap NOUN in PLACE", "how to VERB a NOUN",
    "how to VERB NOUN", "what is a NOUN", "history of PLACE", "history of NOUN", "the history of the NOUN",
    "NOUN in PLACE", "things to do in PLACE", "NOUN vs NOUN", "ADJECTIVE NOUN recipe", "NOUN price", "NOUN facts",
    "facts about NOUN", "PLACE weather", "population of PLACE", "NOUN repair", "NOUN for kids", "ADJECTIVE NOUN ideas",
    "why do NOUN VERB", "when to plant NOUN", "NOUN news", "PLACE NOUN tickets", "learn to VERB", "NOUN", "PLACE",
)  # fmt: skip
