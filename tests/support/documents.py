"""The machine-readable contract: docs/api (OpenAPI) and docs/events (AsyncAPI and JSON Schema), and what does not keep
to it.

Every request of support.api with its answer, and every event that a tap collects, is checked here. What deviates is
noted and not raised, since a client's thread may be nobody's to look at: a fixture of conftest.py fails the test.
"""

import collections
import functools
import json
import operator
import pathlib
import re
import threading
from decimal import Decimal
from urllib.parse import parse_qsl, unquote, urlsplit

import jsonschema
import requests
import yaml

from support.names import APP_ID_OF_EXCHANGE, SERVICES

DOCS = pathlib.Path(__file__).resolve().parents[2] / "docs"
METHODS = ("get", "put", "post", "delete")
PROBLEM = "application/problem+json"
NDJSON = "application/x-ndjson"
PROBLEM_URI = "urn:cartwheel:problem:"
# What no document lists: headers of every answer, by HTTP itself or by docs/contract.md, 2.1.
EVERYWHERE = {"content-type", "content-length", "connection", "date", "x-content-type-options", "cache-control",
              "content-security-policy", "ratelimit", "ratelimit-policy"}

counts = collections.Counter()  # "requests", "answers", "events"
deviations = []
_lock = threading.Lock()


# ---- reading ----

@functools.cache
def _file(path):
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def _point(document, pointer):
    for step in filter(None, pointer.split("/")):
        document = document[step.replace("~1", "/").replace("~0", "~")]
    return document


def whole(value, path):
    """@value of the file at @path with what it refers to in place of each reference."""
    if isinstance(value, list):
        return [whole(one, path) for one in value]
    if not isinstance(value, dict):
        return value
    if isinstance(value.get("$ref"), str):
        name, _, pointer = value["$ref"].partition("#")
        target = path.parent / name if name else path
        return whole(_point(_file(target), pointer), target)
    return {name: whole(one, path) for name, one in value.items()}


def whole_within(served, value):
    """@value of a document that has all within itself, with what it refers to in place of each reference."""
    if isinstance(value, list):
        return [whole_within(served, one) for one in value]
    if not isinstance(value, dict):
        return value
    if isinstance(value.get("$ref"), str):
        return whole_within(served, _point(served, value["$ref"].removeprefix("#")))
    return {name: whole_within(served, one) for name, one in value.items()}


def closed(schema):
    """The schema without room for members that it does not list: a document has to name all that is sent."""
    if isinstance(schema, list):
        return [closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    made = {name: closed(one) for name, one in schema.items()}
    if isinstance(schema.get("properties"), dict) and schema.get("type") == "object":
        made.setdefault("additionalProperties", False)
    return made


def _no_json(name):
    raise ValueError(f"{name} is no JSON")


def read(text):
    """JSON with decimals kept exact; ValueError for whatever is none."""
    try:
        return json.loads(text, parse_float=Decimal, parse_constant=_no_json)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


# ---- schemas ----

def _has_decimals(_, most, instance, __):
    """x-decimals: a keyword of ours, since multipleOf is a matter of luck with binary floats."""
    if isinstance(instance, (int, float, Decimal)) and not isinstance(instance, bool):
        if -Decimal(str(instance)).normalize().as_tuple().exponent > most:
            yield jsonschema.ValidationError(f"{instance} has more than {most} decimals")


def _bound(is_kept, words):
    """A bound as it is written: no binary float is 999999999999.9999."""
    def check(_, bound, instance, __):
        if isinstance(instance, (int, float, Decimal)) and not isinstance(instance, bool):
            if not is_kept(Decimal(str(instance)), Decimal(str(bound))):
                yield jsonschema.ValidationError(f"{instance} is {words} {bound}")
    return check


Validator = jsonschema.validators.extend(jsonschema.Draft202012Validator, {
    "x-decimals": _has_decimals, "minimum": _bound(operator.ge, "less than"), "maximum": _bound(operator.le, "more than")})


def faults(schema, value):
    """What is wrong with the value, a sentence each."""
    return [f"{'.'.join(map(str, error.absolute_path)) or 'the whole'}: {error.message[:300]}"
            for error in Validator(schema).iter_errors(value)]


# ---- one API ----

class Operation:
    def __init__(self, path, method, item, operation):
        self.path, self.method, self.id = path, method.upper(), operation["operationId"]
        self.parameters = [*item.get("parameters", []), *operation.get("parameters", [])]
        self.body = operation.get("requestBody")
        self.responses = operation["responses"]
        self.names = re.findall(r"\{(\w+)\}", path)
        self.pattern = re.compile(re.sub(r"\\\{\w+\\\}", "([^/]+)", re.escape(path)))

    def of_place(self, place):
        return {parameter["name"]: parameter for parameter in self.parameters if parameter["in"] == place}

    def path_parameters(self):
        """In their order in the path."""
        return [self.of_place("path")[name] for name in self.names]

    def body_schema(self):
        """Of a JSON body; None when there is none."""
        content = self.body["content"].get("application/json") if self.body else None
        return content and content["schema"]

    def line_schema(self):
        """Of each line of an NDJSON body; None when the body is none."""
        content = self.body["content"].get(NDJSON) if self.body else None
        return content and content["schema"]["x-lines"]

    def response(self, status):
        """What the document says of the status; None when it says nothing."""
        return self.responses.get(str(status)) or self.responses.get(f"{str(status)[0]}XX")


class Document:
    def __init__(self, service, root=None):
        path = (root or DOCS) / "api" / f"{service}.yaml"
        self.root = whole(_file(path), path)
        self.operations = [Operation(where, method, item, item[method])
                           for where, item in self.root["paths"].items() for method in METHODS if method in item]

    def find(self, method, path):
        """The operation that a request reaches; None when there is none."""
        method = "GET" if method == "HEAD" else method
        return next((one for one in self.of_path(path) if one.method == method), None)

    def of_path(self, path):
        """The operations of a path; a literal one hides those with parameters."""
        fitting = [one for one in self.operations if one.pattern.fullmatch(path)]
        fewest = min((one.path.count("{") for one in fitting), default=0)
        return [one for one in fitting if one.path.count("{") == fewest]


@functools.cache
def document(service):
    return Document(service)


# ---- requests ----

def _as_documented(value, schema):
    """The request's members under the names of the schema (any case is read), without those that are not read."""
    if isinstance(value, list) and isinstance(schema.get("items"), dict):
        return [_as_documented(one, schema["items"]) for one in value]
    if isinstance(value, dict) and isinstance(schema.get("properties"), dict):
        names = {name.lower(): name for name in schema["properties"]}
        return {names[name.lower()]: _as_documented(one, schema["properties"][names[name.lower()]])
                for name, one in value.items() if name.lower() in names}
    return value


def _typed(text, schema):
    """A parameter's text as its schema's type has it."""
    if schema.get("type") == "integer":
        return int(text) if re.fullmatch(r"-?[0-9]+", text) else text
    if schema.get("type") == "boolean":
        return {"true": True, "false": False}.get(text, text)
    return text


def _parameter_faults(operation, url, headers):
    pairs = parse_qsl(urlsplit(url).query, keep_blank_values=True)
    known = operation.of_place("query")
    for name, text in pairs:
        if name in known:
            yield from (f"{name}: {fault}" for fault in faults(known[name]["schema"], _typed(text, known[name]["schema"])))
        elif not operation.path.startswith("/health/"):
            yield f"{name}: is no parameter"
    for name in {name for name, _ in pairs}:
        if [other for other, _ in pairs].count(name) > 1:
            yield f"{name}: is given twice"
    for parameter in operation.of_place("header").values():
        given = headers.get(parameter["name"])
        if given is not None:
            text = given.decode("utf-8", "replace") if isinstance(given, bytes) else given
            yield from (f"{parameter['name']}: {fault}" for fault in faults(parameter["schema"], text))
    for parameter, text in zip(operation.path_parameters(), operation.pattern.fullmatch(urlsplit(url).path).groups()):
        yield from (f"{parameter['name']}: {fault}" for fault in faults(parameter["schema"], _typed(unquote(text), parameter["schema"])))


def _body_faults(operation, headers, body):
    schema = operation.body_schema()
    if not body:
        if schema is not None and operation.body.get("required"):
            yield "there is no body"
        return
    if schema is None:
        return  # not read; of lines each is answered for itself
    media_type = requests.utils.to_native_string(headers.get("Content-Type", "")).partition(";")[0].strip().lower()
    if media_type != "application/json" and not media_type.endswith("+json"):
        yield "the body is no application/json"
    try:
        yield from faults(schema, _as_documented(read(body), schema))
    except ValueError as error:
        yield f"the body is no JSON: {error}"


def request_faults(operation, url, headers, body):
    """Why the document does not allow the request; empty when it does."""
    return [*_parameter_faults(operation, url, headers), *_body_faults(operation, headers, body)]


# ---- answers ----

def _header_faults(response, headers):
    documented = {name.lower(): header for name, header in response.get("headers", {}).items()}
    for name, header in documented.items():
        if name in headers:
            yield from (f"{name}: {fault}" for fault in faults(header["schema"], _typed(headers[name], header["schema"])))
        elif header.get("required"):
            yield f"there is no header {name}"
    for name in headers.keys() - documented.keys() - EVERYWHERE:
        yield f"the header {name} is not in the document"


def answer_faults(operation, status, headers, body, is_head=False):
    """What of the answer is not in the document; @headers with names in lower case."""
    response = operation.response(status)
    if response is None:
        return [f"the status {status} is not in the document"]
    found = list(_header_faults(response, headers))
    content = response.get("content", {})
    media_type = headers.get("content-type", "").partition(";")[0]
    if media_type and media_type not in content:
        return [*found, f"{media_type} is not in the document for {status}"]
    if is_head or not content or not media_type.endswith("json"):
        return found + (["there is a body"] if body and not content else [])
    if media_type == NDJSON:
        return found + _line_faults(content[NDJSON]["schema"]["x-lines"], body)
    try:
        told = read(body)
        found += faults(closed(content[media_type]["schema"]), told)
        found += _type_faults(status, told) if media_type == PROBLEM else ()
    except (KeyError, ValueError) as error:
        found.append(f"the body cannot be read: {error!r}")
    return found


def _line_faults(schema, body):
    lines = body.decode().split("\n")
    try:
        told = [fault for line in lines[:-1] for fault in faults(closed(schema), read(line))]
    except ValueError as error:
        return [f"a line cannot be read: {error!r}"]
    return told + (["the last line does not end"] if lines[-1] else [])


@functools.cache
def problem_types():
    """{type: status}, of the page that explains them."""
    page = (DOCS / "problems.md").read_text(encoding="utf-8")
    return {PROBLEM_URI + name: int(status) for name, status in re.findall(r"^### (.+)\n\nStatus (\d{3}),", page, re.MULTILINE)}


def _type_faults(status, problem):
    if problem_types().get(problem["type"]) != status:
        yield f"docs/problems.md has no {problem['type']} of status {status}"


@functools.cache
def problem_schema():
    path = DOCS / "api" / "common.yaml"
    return closed(whole(_file(path)["components"]["schemas"]["Problem"], path))


def _options_faults(document_, path, headers, body):
    methods = {one.method for one in document_.of_path(path)}
    wanted = methods | {"OPTIONS"} | ({"HEAD"} if "GET" in methods else set())
    if set(headers.get("allow", "").split(", ")) != wanted or body:
        yield f"OPTIONS is not answered with Allow: {', '.join(sorted(wanted))}"


def outside_faults(document_, method, path, status, headers, body):
    """Of an answer to what is no operation: 404, or 405 where the path has others, or a refusal that comes before."""
    if method == "OPTIONS" and status == 204 and document_.of_path(path):
        return list(_options_faults(document_, path, headers, body))
    if status not in (400, 413, 414, 415, 431, 405 if document_.of_path(path) else 404):
        return [f"{status} for what is in no document"]
    found = ["there is no Allow"] if status == 405 and "allow" not in headers else []
    if method == "HEAD" or status in (414, 431):
        return found
    problem = read(body)
    return [*found, *faults(problem_schema(), problem), *_type_faults(status, problem)]


def exchange_faults(document_, method, url, headers, body, status, answer_headers, answer_body):
    """What of a request and its answer deviates. A request that the document does not allow may be sent, and must not
    succeed."""
    path = urlsplit(url).path
    operation = document_.find(method, path)
    if operation is None:
        return outside_faults(document_, method, path, status, answer_headers, answer_body)
    found = answer_faults(operation, status, answer_headers, answer_body, method == "HEAD")
    wrong = request_faults(operation, url, headers, body)
    if status < 300 and wrong:
        found += [f"answered {status} though {fault}" for fault in wrong]
    return [f"{operation.id}: {fault}" for fault in found]


def check_exchange(service, response):
    """Notes what deviates in a response of requests and in what was asked; a proxy's own answer (RFC 9209) is not the
    service's."""
    if "error=" in response.headers.get("Proxy-Status", ""):
        return
    asked = response.request
    body = asked.body if isinstance(asked.body, (bytes, str, type(None))) else None  # an iterator is gone
    if body is None and asked.body is not None:
        return
    headers = {name.lower(): value for name, value in response.headers.items()}
    found = exchange_faults(document(service), asked.method, asked.url, asked.headers, body,
                            response.status_code, headers, response.content)
    with _lock:
        counts.update(requests=1, answers=1)
        deviations.extend(f"{service}: {asked.method} {asked.path_url[:200]}: {fault}" for fault in found)


# ---- webhooks ----

def webhook_faults(service, type_, headers, body):
    """What of a webhook that a service posted is not in its document."""
    webhook = document(service).root["webhooks"][type_]["post"]
    given = {name.lower(): value for name, value in headers.items()}
    found = faults(closed(webhook["requestBody"]["content"]["application/json"]["schema"]), read(body))
    for parameter in webhook["parameters"]:
        if parameter["name"] in given:
            found += faults(parameter["schema"], given[parameter["name"]])
        elif parameter.get("required"):
            found.append(f"there is no header {parameter['name']}")
    return found


# ---- events ----

@functools.cache
def event_document():
    """docs/events/asyncapi.yaml, whole."""
    path = DOCS / "events" / "asyncapi.yaml"
    return whole(_file(path), path)


@functools.cache
def event_schemas():
    """{event: (exchange, schema of its body, schema of its headers)}."""
    found = {}
    for channel in event_document()["channels"].values():
        if channel["bindings"]["amqp"]["is"] == "routingKey":
            for name, message in channel["messages"].items():
                headers = message["traits"][0]["headers"]
                found[name] = (channel["address"], closed(message["payload"]), closed(headers))
    return found


def _property_faults(message, envelope):
    properties = message.properties
    wanted = {"content_type": "application/json", "delivery_mode": 2, "message_id": envelope["EventId"],
              "type": envelope["EventType"], "app_id": APP_ID_OF_EXCHANGE[message.exchange]}
    for name, value in wanted.items():
        if getattr(properties, name) != value:
            yield f"{name} is {getattr(properties, name)!r} and not {value!r}"
    if properties.timestamp is None:
        yield "there is no timestamp"


def event_faults(message):
    """What of a message to an exchange of events is not in the documents."""
    if message.routing_key not in event_schemas():
        return ["is in no document"]
    exchange, body, headers = event_schemas()[message.routing_key]
    if message.exchange != exchange:
        return [f"was published to {message.exchange}"]
    found = [*faults(body, message.envelope), *faults(headers, message.properties.headers or {})]
    return found or list(_property_faults(message, message.envelope))


def check_event(message):
    """Notes what deviates in a message that one of our services published."""
    if message.properties.app_id not in SERVICES:
        return
    try:
        found = event_faults(message)
    except ValueError as error:
        found = [f"the body is no JSON: {error}"]
    with _lock:
        counts.update(events=1)
        deviations.extend(f"{message.routing_key}: {fault}" for fault in found)
