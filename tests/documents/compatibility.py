"""What a new version of the documents takes away from who relies on the old one.

What is new and optional passes: a call, a parameter or member of a request that may be absent, a member of an answer or
event. Whatever else differs is a sentence."""

import json

from support import documents

WORDS = {"description", "summary", "example", "examples", "title", "tags", "$schema", "externalDocs"}  # for people
GIVEN, TOLD = "given", "told"  # by whom the values come: the client, or us


def schemas(old, new, way, where):
    """Sentences about what the new schema takes away."""
    for name in sorted((old.keys() | new.keys()) - WORDS - {"properties", "required"}):
        if isinstance(old.get(name), dict) and isinstance(new.get(name), dict):
            yield from schemas(old[name], new[name], way, f"{where}[]" if name == "items" else where)
        elif old.get(name) != new.get(name):
            yield f"{where}: {name} was {json.dumps(old.get(name))} and is {json.dumps(new.get(name))}"
    yield from _members(old, new, way, where)


def _members(old, new, way, where):
    before, now = old.get("properties", {}), new.get("properties", {})
    for name in before:
        if name in now:
            yield from schemas(before[name], now[name], way, f"{where}.{name}")
        else:
            yield f"{where}.{name} is gone"
    needed_before, needed_now = set(old.get("required", ())), set(new.get("required", ()))
    if way == GIVEN:
        yield from (f"{where}.{name} was optional and is required" for name in sorted(needed_now - needed_before))
    else:
        yield from (f"{where}.{name} was always there and is optional" for name in sorted(needed_before - needed_now))
    if way == TOLD:
        return
    yield from (f"{where}.{name} was required and is optional" for name in sorted((needed_before - needed_now) & now.keys()))


def _parameters(old, new, where):
    for place in ("path", "query", "header"):
        before, now = old.of_place(place), new.of_place(place)
        for name in before.keys() - now.keys():
            yield f"{where}: the {place} parameter {name} is gone"
        for name, parameter in now.items():
            if name in before:
                yield from schemas(before[name]["schema"], parameter["schema"], GIVEN, f"{where}: {name}")
            if parameter.get("required") and not before.get(name, {}).get("required"):
                yield f"{where}: the {place} parameter {name} is required now"


def _answers(old, new, where):
    for status in sorted(old.responses.keys() | new.responses.keys()):
        before, now = old.responses.get(status), new.responses.get(status)
        if before is None or now is None:
            yield f"{where}: the status {status} is {'new' if before is None else 'gone'}"
            continue
        for name in before.get("headers", {}).keys() - now.get("headers", {}).keys():
            yield f"{where}: the header {name} of {status} is gone"
        for media_type, content in before.get("content", {}).items():
            if media_type not in now.get("content", {}):
                yield f"{where}: {status} is no longer {media_type}"
            else:
                yield from schemas(content["schema"], now["content"][media_type]["schema"], TOLD, f"{where}: {status}")


def operations(old, new):
    """Sentences about one call."""
    where = old.id
    if new is None:
        yield f"{where}: {old.method} {old.path} is gone"
        return
    if new.id != old.id:
        yield f"{where} is called {new.id}"
    yield from _parameters(old, new, where)
    if old.line_schema() is not None:
        yield from schemas(old.line_schema(), new.line_schema() or {}, GIVEN, f"{where}: line")
    if new.body_schema() is not None and (new.body.get("required") and not (old.body or {}).get("required")):
        yield f"{where}: a body is required now"
    if old.body_schema() is not None:
        if new.body_schema() is None:
            yield f"{where}: the body is no longer read"
        else:
            yield from schemas(old.body_schema(), new.body_schema(), GIVEN, f"{where}: body")
    yield from _answers(old, new, where)


def apis(old, new):
    """Sentences about what the new document of an API takes away; both support.documents.Document."""
    now = {(one.method, one.path): one for one in new.operations}
    return [sentence for one in old.operations for sentence in operations(one, now.get((one.method, one.path)))]


def events(old_folder, new_folder):
    """Sentences about what the new schemas of the events take away."""
    found = []
    for path in sorted(old_folder.glob("*Event.json")):
        if not (new_folder / path.name).exists():
            found.append(f"{path.stem} is gone")
            continue
        old, new = (documents.whole(json.loads(each.read_text(encoding="utf-8")), each) for each in (path, new_folder / path.name))
        found += schemas(old, new, TOLD, path.stem)
    return found
