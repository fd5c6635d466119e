"""A collector of spans that decodes OTLP as ./cartwheel trace does, but strictly, and one that misbehaves.

What the decoder does not know would show as an unknown field, and fails the decoding.
"""

from launcher import otlp
from launcher.spans import tree

from support.fakes import FakeHttp
from support.waits import eventually

CLASSES = otlp.CLASSES


def decode(body):
    """The spans of a request."""
    request = otlp.parse(body)
    request.DiscardUnknownFields()
    assert request.SerializeToString() == body, "a field that nobody knows, or one that is not written as others do"
    scopes = {scope_spans.scope.name for one in request.resource_spans for scope_spans in one.scope_spans}
    assert scopes <= {"cartwheel"}
    return otlp.decode(body)


class Collector(FakeHttp):
    """Takes spans at /v1/traces. @answer(body) -> an answer of FakeHttp in place of the usual one, or None."""

    def __init__(self, answer=lambda body: None, port=0):
        self.spans = []

        def respond(method, path, body):
            other = answer(body)
            if other is not None:
                return other
            assert (method, path) == ("POST", "/v1/traces"), (method, path)
            self.spans += decode(body)
            return 200, lambda handler: reply(handler, 200, b"")

        super().__init__(respond, port)

    def of(self, trace):
        return [span for span in list(self.spans) if span.trace == trace]

    def wait(self, trace, *names, timeout=30):
        """The spans of @trace, once there are as many of each of @names as it is named."""
        def probe():
            spans = self.of(trace)
            there = [span.name for span in spans]
            assert all(there.count(name) >= names.count(name) for name in names), tree(spans)
            return spans
        return eventually(probe, f"{names} in {trace}", timeout)


def reply(handler, status, body, headers=()):
    handler.send_response(status)
    for name, value in headers:
        handler.send_header(name, value)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)
