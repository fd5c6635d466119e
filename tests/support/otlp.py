"""A collector of spans that decodes OTLP with Google's protobuf, by descriptors made here, and one that misbehaves.

The fields are those of opentelemetry/proto/{collector/trace,trace,common,resource}/v1 that we send; what it does not
know would show as an unknown field, and fails the decoding.
"""

from dataclasses import dataclass, field

from google.protobuf import descriptor_pb2, descriptor_pool
from google.protobuf.message_factory import MessageFactory

from support.fakes import FakeHttp
from support.waits import eventually

F = descriptor_pb2.FieldDescriptorProto
ONE, MANY = F.LABEL_OPTIONAL, F.LABEL_REPEATED
MESSAGES = {  # name -> fields: number, name, type or message, label
    "AnyValue": [(1, "string_value", F.TYPE_STRING, ONE), (3, "int_value", F.TYPE_INT64, ONE)],
    "KeyValue": [(1, "key", F.TYPE_STRING, ONE), (2, "value", "AnyValue", ONE)],
    "Resource": [(1, "attributes", "KeyValue", MANY)],
    "Scope": [(1, "name", F.TYPE_STRING, ONE), (2, "version", F.TYPE_STRING, ONE)],
    "Link": [(1, "trace_id", F.TYPE_BYTES, ONE), (2, "span_id", F.TYPE_BYTES, ONE), (6, "flags", F.TYPE_FIXED32, ONE)],
    "Status": [(2, "message", F.TYPE_STRING, ONE), (3, "code", F.TYPE_INT32, ONE)],
    "Span": [(1, "trace_id", F.TYPE_BYTES, ONE), (2, "span_id", F.TYPE_BYTES, ONE),
             (4, "parent_span_id", F.TYPE_BYTES, ONE), (5, "name", F.TYPE_STRING, ONE), (6, "kind", F.TYPE_INT32, ONE),
             (7, "start", F.TYPE_FIXED64, ONE), (8, "end", F.TYPE_FIXED64, ONE), (9, "attributes", "KeyValue", MANY),
             (13, "links", "Link", MANY), (15, "status", "Status", ONE), (16, "flags", F.TYPE_FIXED32, ONE)],
    "ScopeSpans": [(1, "scope", "Scope", ONE), (2, "spans", "Span", MANY)],
    "ResourceSpans": [(1, "resource", "Resource", ONE), (2, "scope_spans", "ScopeSpans", MANY)],
    "Request": [(1, "resource_spans", "ResourceSpans", MANY)],
    "PartialSuccess": [(1, "rejected_spans", F.TYPE_INT64, ONE), (2, "error_message", F.TYPE_STRING, ONE)],
    "Response": [(1, "partial_success", "PartialSuccess", ONE)],
}
KINDS = {1: "internal", 2: "server", 3: "client", 4: "producer", 5: "consumer"}


def _classes():
    file = descriptor_pb2.FileDescriptorProto(name="otlp.proto", package="otlp", syntax="proto2")
    for name, fields in MESSAGES.items():
        message = file.message_type.add(name=name)
        for number, field_name, kind, label in fields:
            made = message.field.add(name=field_name, number=number, label=label)
            if isinstance(kind, str):
                made.type, made.type_name = F.TYPE_MESSAGE, f".otlp.{kind}"
            else:
                made.type = kind
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    factory = MessageFactory(pool)
    return {name: factory.GetPrototype(pool.FindMessageTypeByName(f"otlp.{name}")) for name in MESSAGES}


CLASSES = _classes()


@dataclass
class Span:
    service: str
    trace: str
    id: str
    parent: str
    name: str
    kind: str
    start_us: int
    end_us: int
    attributes: dict
    links: list  # (trace, span)
    error: str
    children: list = field(default_factory=list, repr=False)


def _values(attributes):
    return {one.key: one.value.string_value if one.value.HasField("string_value") else one.value.int_value
            for one in attributes}


def decode(body):
    """The spans of a request."""
    request = CLASSES["Request"].FromString(body)
    request.DiscardUnknownFields()
    assert request.SerializeToString() == body, "a field that nobody knows, or one that is not written as others do"
    spans = []
    for resource_spans in request.resource_spans:
        service = _values(resource_spans.resource.attributes)["service.name"]
        for scope_spans in resource_spans.scope_spans:
            assert scope_spans.scope.name == "cartwheel"
            spans += [Span(service, one.trace_id.hex(), one.span_id.hex(), one.parent_span_id.hex(), one.name,
                           KINDS[one.kind], one.start // 1000, one.end // 1000, _values(one.attributes),
                           [(link.trace_id.hex(), link.span_id.hex()) for link in one.links],
                           one.status.message if one.status.code == 2 else "") for one in scope_spans.spans]
    return spans


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


def roots(spans):
    """Those whose parent is not among @spans, first come first; all get their children."""
    known = {span.id: span for span in spans}
    for span in spans:
        span.children = sorted((one for one in spans if one.parent == span.id), key=lambda one: one.start_us)
    return sorted((span for span in spans if span.parent not in known), key=lambda one: one.start_us)


def tree(spans):
    """The spans of a trace as text: when each began, how long it took, where, and what."""
    lines = []
    tops = roots(spans)

    def draw(span, indent):
        links = f"  -> {len(span.links)} link" + "s" * (len(span.links) != 1) if span.links else ""
        error = f"  ! {span.error}" if span.error else ""
        lines.append(f"{(span.start_us - tops[0].start_us) / 1000:9.1f} {(span.end_us - span.start_us) / 1000:9.1f}  "
                     f"{span.service:20}{'  ' * indent}{span.name}{links}{error}")
        for child in span.children:
            draw(child, indent + 1)

    for top in tops:
        draw(top, 0)
    return "\n".join(["  begin ms  took ms  process             span", *lines])
