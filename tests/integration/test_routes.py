"""<service>-api --routes against the contract, and against what the server answers."""

import json
import pathlib
import re

import pytest

from support.api import assert_problem
from support.child import run_binary
from support.names import APIS, SERVICES, service_of

CONTRACT = pathlib.Path(__file__).resolve().parents[2] / "docs" / "contract.md"
NOBODY = "5f1c2b0e-3d57-4a86-9c1e-2f6a7d8b9c01"
UNKNOWN_PATH = "Nothing is served under this path."


def routes_of(system, name):
    done = run_binary(system, name, arguments=["--routes"], environment={})
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def calls_of_contract(service):
    """(method, pattern) of each call in the tables of the section "<Service> API"."""
    section = re.search(rf"^### \S+ {service.capitalize()} API$(.*?)^##", CONTRACT.read_text(), re.MULTILINE | re.DOTALL)
    calls = set()
    for cell in re.findall(r"^\| (`[A-Z].*?) \|", section[1], re.MULTILINE):
        methods = []
        for method, path in re.findall(r"`([A-Z]+)(?: (/[^`?]*)[^`]*)?`", cell):
            methods.append(method)
            if path:
                calls |= {(each, path) for each in methods}
                methods = []
    return calls


@pytest.mark.parametrize("name", APIS)
def test_each_operation_has_a_name_of_its_own(system, name):
    routes = routes_of(system, name)
    operations = [route["operationId"] for route in routes]
    assert len(set(operations)) == len(operations)
    for route in routes:
        assert set(route) == {"method", "pattern", "operationId", "lane", "gated", "largeBody", "ndjson", "query", "scope", "roles"}
        assert re.fullmatch(r"[a-z]+([A-Z][a-z]+)+", route["operationId"])
        assert (route["lane"] == "inline") == (not route["pattern"].startswith("/api/"))


@pytest.mark.parametrize("service", SERVICES)
def test_the_contract_names_the_same_routes(system, service):
    routes = routes_of(system, f"{service}-api")
    served = {(route["method"], route["pattern"]) for route in routes if route["pattern"].startswith("/api/")}
    assert served == calls_of_contract(service)


@pytest.mark.parametrize("service", SERVICES)
def test_the_contract_names_the_same_parameters(system, service):
    """Each list's as its call has them, ?limit=&cursor=."""
    section = re.search(rf"^### \S+ {service.capitalize()} API$(.*?)^##", CONTRACT.read_text(), re.MULTILINE | re.DOTALL)
    named = {}
    for method, path, query in re.findall(r"^\| `([A-Z]+) ([^`? ]*)(?:\?([^` ]*))?", section[1], re.MULTILINE):
        named.setdefault((method, path), set()).update(re.findall(r"(\w+)=", query))
    for route in routes_of(system, f"{service}-api"):
        key = (route["method"], route["pattern"])
        if key in named:
            assert set(route["query"]) == named[key], key
        else:
            assert not route["query"], key


@pytest.mark.parametrize("name", APIS)
def test_an_unknown_parameter_is_400_everywhere(system, apis, name):
    for route in routes_of(system, name):
        path = re.sub(r"\{\w+\}", NOBODY, route["pattern"])
        headers = {"Content-Type": "application/x-ndjson" if route["ndjson"] else "application/json"}
        body = {"headers": headers, "data": b"{}"} if route["method"] in ("POST", "PUT") else {}
        answer = apis[service_of(name)].call(route["method"], path + "?nobody=1", **body)
        if route["query"] is None:
            assert answer.status_code in (200, 503), path
        else:
            assert_problem(answer, 400, "nobody")


@pytest.mark.parametrize("name", APIS)
def test_the_server_answers_exactly_these(system, apis, name):
    """Each path allows the methods that are listed for it, and each of them reaches a handler."""
    methods = {}
    for route in routes_of(system, name):
        methods.setdefault(route["pattern"], set()).add(route["method"])
    api = apis[service_of(name)]
    for pattern, listed in methods.items():
        path = re.sub(r"\{\w+\}", NOBODY, pattern)
        refused = api.call("TRACE", path)
        assert refused.status_code == 405, path
        assert set(refused.headers["Allow"].split(", ")) - {"HEAD", "OPTIONS"} == listed, path
        for method in listed:
            body = {} if method in ("POST", "PUT") else None
            answer = api.call(method, path, json=body)
            assert answer.status_code not in (405, 500, 501), (method, path)
            assert answer.status_code != 404 or answer.json()["detail"] != UNKNOWN_PATH, (method, path)


@pytest.mark.parametrize("name", APIS)
def test_options_tells_the_methods_of_every_path(system, apis, name):
    methods = {}
    for route in routes_of(system, name):
        methods.setdefault(route["pattern"], {"OPTIONS"}).update({"GET", "HEAD"} if route["method"] == "GET" else {route["method"]})
    api = apis[service_of(name)]
    for pattern, listed in methods.items():
        answer = api.call("OPTIONS", re.sub(r"\{\w+\}", NOBODY, pattern))
        assert (answer.status_code, answer.content) == (204, b""), pattern
        assert sorted(answer.headers["Allow"].split(", ")) == sorted(listed), pattern
    assert_problem(api.call("OPTIONS", "/api/nothing"), 404)


@pytest.mark.parametrize("name", APIS)
def test_head_is_get_without_the_body(system, apis, name):
    api, routes = apis[service_of(name)], routes_of(system, name)
    readable = {route["pattern"] for route in routes if route["method"] == "GET"}
    for pattern in {route["pattern"] for route in routes}:
        path = re.sub(r"\{\w+\}", NOBODY, pattern)
        head = api.call("HEAD", path)
        if pattern not in readable:
            assert head.status_code == 405, path
            continue
        got = api.get(path)
        assert (head.status_code, head.content) == (got.status_code, b""), path
        assert {**head.headers, "Date": ""} == {**got.headers, "Date": ""}, path
