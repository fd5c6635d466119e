"""The calls that README shows are calls of the documents."""

import pathlib
import re
import shlex

from support import documents

README = pathlib.Path(__file__).resolve().parents[2] / "README.md"
ASSIGNED = re.compile(r"^(\w+)=(.*)$")
SOME_ID = "0190a000-0000-7000-8000-0000000000a1"


def shell_lines():
    """The lines of README's blocks of shell, those that are continued as one."""
    text = README.read_text(encoding="utf-8")
    for block in re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        yield from re.sub(r"\\\n\s*", " ", block).splitlines()


def words_of(line, names):
    """The words of a command line, its variables and commands replaced, comments left out."""
    line = re.sub(r"\$\(\./cartwheel url (\w+)-api\)", r"http://\1", line).replace("<id>", SOME_ID)
    return shlex.split(re.sub(r"\$(\w+)", lambda found: names[found[1]], line), comments=True)


def calls():
    """(service, method, url, headers, body) of each curl."""
    names, pending = {}, ""
    for line in shell_lines():
        pending += line
        try:
            words = words_of(pending, names)
        except ValueError:  # a quote is open: the next line belongs to it
            pending += "\n"
            continue
        pending = ""
        if len(words) == 1 and (assigned := ASSIGNED.match(words[0])):
            names[assigned[1]] = assigned[2]
        elif words[:1] == ["curl"]:
            yield call_of(words[1:])


def call_of(words):
    url, headers, body, method = None, {}, None, None
    rest = iter(words)
    for word in rest:
        if word == "-H":
            name, _, value = next(rest).partition(":")
            headers[name] = value.strip()
        elif word == "-d":
            body = next(rest)
        elif word == "-X":
            method = next(rest)
        elif not word.startswith("-"):
            url = word
    service = re.match(r"http://(\w+)/", url)[1]
    return service, method or ("GET" if body is None else "POST"), url, headers, body


def faults_of(service, method, url, headers, body):
    operation = documents.document(service).find(method, re.sub(r"^http://\w+|\?.*$", "", url))
    return ["is no call"] if operation is None else documents.request_faults(operation, url, headers, body)


def test_each_call_is_one_of_the_documents():
    found = list(calls())
    assert {service for service, *_ in found} == {"order", "stock", "notification"}
    assert sum(body is not None for *_, body in found) >= 2
    for call in found:
        assert faults_of(*call) == [], call


def test_a_call_that_is_none_is_found():
    service, method, url, headers, body = next(call for call in calls() if call[4] is not None)
    assert faults_of(service, method, url + "x", headers, body)
    assert faults_of(service, method, url + "?limit=1", headers, body)
    assert faults_of(service, method, url, headers, body.replace("quantity", "number"))
    assert faults_of(service, method, url, {}, body)
