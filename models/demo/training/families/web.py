"""Searches and pages. Titles repeat words of the query, as those of real results do."""

from __future__ import annotations

import json
from dataclasses import dataclass

from ..dialogue.scene import Scene, answer, ask_tool, cannot, each_of
from ..dialogue.schema import Call, Turn
from .files import wrote
from ..wordings import sections

SAID = sections("web")

MORE = (
    "{} - a guide",
    "{} explained",
    "{} | {site}",
    "What you should know about {}",
    "{} ({site})",
    "The {} page",
    "{}: {extra}",
)


@dataclass(frozen=True)
class Hit:
    title: str
    url: str
    snippet: str


def hits(scene: Scene, query: str) -> list[Hit]:
    found: list[Hit] = []
    for _ in range(scene.rng.randint(1, 5)):
        words = query.split()
        slug = scene.rng.choice(("-", "_", "/")).join(words).lower() if scene.chance(0.4) else scene.words.identifier()
        title = _title(scene, query, words)
        snippet = " ".join(
            (
                scene.words.phrase(1, 5),
                query if scene.chance(0.4) else scene.rng.choice(words),
                scene.words.phrase(2, 8),
            )
        )
        url = f"https://{scene.words.host()}/{slug if slug.isascii() else scene.words.identifier()}"
        found.append(Hit(title, url, snippet[:1].upper() + snippet[1:]))
    return found


def _title(scene: Scene, query: str, words: list[str]) -> str:
    extra, site = scene.words.plain_phrase(1, 3), scene.words.dictionary_word().capitalize()
    x = scene.rng.random()
    if x < 0.45:
        shown = query.title() if scene.chance(0.4) else query
        return scene.rng.choice(MORE).replace("{}", shown).format(extra=extra, site=site)
    if x < 0.75:
        some = " ".join(words[: scene.rng.randint(1, len(words))])
        return scene.rng.choice((f"{some} {extra}", f"{extra}: {some}", f"{extra} and {some}"))
    return extra


def result_text(scene: Scene, found: list[Hit], query: str) -> str:
    rows = [{"title": hit.title, "url": hit.url, "snippet": hit.snippet} for hit in found]
    x = scene.rng.random()
    if x < 0.6:
        shape: object = {"results": rows}
    elif x < 0.72:
        shape = {"query": query, "results": rows}
    elif x < 0.82:
        shape = rows
    elif x < 0.92:
        sources = [hit.url.split("/")[2] for hit in found]
        shape = {
            "sources": sources,
            "output": [
                {"title": h.title, "description": h.snippet, "url": h.url, "content": scene.words.sentence()}
                for h in found
            ],
        }
    else:
        return "\n\n".join(f"{number}. {hit.title}\n{hit.url}\n{hit.snippet}" for number, hit in enumerate(found, 1))
    return as_json(scene, shape)


def as_json(scene: Scene, value: object) -> str:
    """As JavaScript writes it, mostly: without spaces."""
    x = scene.rng.random()
    if x < 0.6:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return json.dumps(value, ensure_ascii=False, indent=2 if x > 0.9 else None)


def listing(query: str, found: list[Hit]) -> str:
    if not found:
        return f"I found nothing about {query}."
    return f"I found this about {query}:\n" + "\n".join(f"- {hit.title} ({hit.url})" for hit in found[:3])


def _search(scene: Scene, query: str) -> tuple[Call, list[Hit]]:
    if scene.chance(0.06):
        nothing = scene.rng.choice(('{"results": []}', "[]", "No results.", '{"sources": [], "output": []}'))
        return Call("web_search", {"query": query}, nothing), []
    found = hits(scene, query)
    return Call("web_search", {"query": query}, result_text(scene, found, query)), found


def search(scene: Scene) -> list[Turn]:
    query = scene.words.topic()
    user = scene.say(SAID["search"], q=f'"{query}"' if scene.chance(0.12) else query)
    if not scene.has("web_search"):
        return [cannot(user, "web_search")]
    call, found = _search(scene, query)
    turns = [Turn(user, (ask_tool(f"I need to search for {query}.", call), answer(listing(query, found))))]
    if found and scene.chance(0.25) and scene.has("fetch_url"):
        turns.append(_fetch_turn(scene, scene.say(SAID["open result"]), found[0].url, found[0].title))
    return turns


def several_searches(scene: Scene) -> list[Turn]:
    queries = [scene.words.plain_phrase(1, 3) for _ in range(2)]
    user = scene.say(
        SAID["search several"], list=scene.rng.choice((" and ", " and for ", ", and ", " and also ")).join(queries)
    )
    if not scene.has("web_search"):
        return [cannot(user, "web_search")]
    searches = [_search(scene, query) for query in queries]
    said = "\n".join(listing(query, found) for query, (_, found) in zip(queries, searches))
    calls = [call for call, _ in searches]
    return [Turn(user, (ask_tool(f"I need to search for {queries[0]} and {queries[1]}.", *calls), answer(said)))]


def search_and_save(scene: Scene) -> list[Turn]:
    query = scene.words.topic() if scene.chance(0.4) else scene.words.plain_phrase(1, 3)
    path = scene.words.file_name(("txt", "md"))
    user = scene.say(SAID["search and save"], q=query, f=path)
    tools = ("web_search", "write_file")
    if (missing := scene.first_missing(tools)) is not None:
        return [cannot(user, missing, each_of(tools))]
    found = hits(scene, query)
    first = f"{found[0].title} {found[0].url}"
    calls = (
        Call("web_search", {"query": query}, result_text(scene, found, query)),
        Call("write_file", {"path": path, "content": first}, wrote(path, first)),
    )
    return [
        Turn(
            user,
            (
                ask_tool(f"I need to search for {query}.", calls[0], about=each_of(tools)),
                ask_tool(f"Now I need to write {path}.", calls[1]),
                answer(f"I wrote the first result, {first}, to {path}."),
            ),
        )
    ]


def fetch(scene: Scene) -> list[Turn]:
    url = scene.words.url()
    user = scene.say(SAID["fetch"], u=url)
    if not scene.has("fetch_url"):
        return [cannot(user, "fetch_url")]
    return [_fetch_turn(scene, user, url, scene.words.plain_phrase(1, 5))]


def _fetch_turn(scene: Scene, user: str, url: str, title: str) -> Turn:
    call = Call("fetch_url", {"url": url}, page_text(scene, url, title))
    return Turn(user, (ask_tool(f"I need to open {url}.", call), answer(f"The page is titled {title}.")))


def page_text(scene: Scene, url: str, title: str) -> str:
    body = scene.words.lines(1, 8)
    text = scene.rng.choice(
        (
            f"# {title}\n\n{body}",
            f"{title}\n\n{body}",
            as_json(scene, {"url": url, "title": title, "text": body}),
            as_json(scene, {"title": title, "content": body}),
            f"Title: {title}\n\n{body}",
        )
    )
    return text + (f"\n[{scene.words.integer(5)} bytes cut]" if scene.chance(0.1) else "")
