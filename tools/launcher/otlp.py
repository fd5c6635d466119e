"""Spans as OTLP carries them, decoded with Google's protobuf, by descriptors made here.

The fields are those of opentelemetry/proto/{collector/trace,trace,common,resource}/v1 that our processes send.
"""

from google.protobuf import descriptor_pb2, descriptor_pool
from google.protobuf.message import DecodeError
from google.protobuf.message_factory import MessageFactory

from .spans import Span

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


def _values(attributes):
    return {one.key: one.value.string_value if one.value.HasField("string_value") else one.value.int_value
            for one in attributes}


def parse(body):
    """The request that @body is; fails with what Google's protobuf raises where it is none."""
    return CLASSES["Request"].FromString(body)


def decode(body):
    """The spans of a request; a ValueError where it is none."""
    try:
        return [_span(_values(resource_spans.resource.attributes).get("service.name", ""), one)
                for resource_spans in parse(body).resource_spans
                for scope_spans in resource_spans.scope_spans for one in scope_spans.spans]
    except (DecodeError, KeyError) as error:
        raise ValueError(f"not the spans of a request: {error}") from error


def _span(service, one):
    return Span(service, one.trace_id.hex(), one.span_id.hex(), one.parent_span_id.hex(), one.name, KINDS[one.kind],
                one.start // 1000, one.end // 1000, _values(one.attributes),
                [(link.trace_id.hex(), link.span_id.hex()) for link in one.links],
                one.status.message if one.status.code == 2 else "")
