"""Events as another system would publish them."""

import datetime
import json

import pika

from support.api import new_id
from support.names import EXCHANGE_OF


def now():
    return datetime.datetime.now(datetime.timezone.utc).isoformat().replace("+00:00", "Z")


def items(*pairs):
    return [{"ProductId": product, "Quantity": quantity} for product, quantity in pairs]


def envelope(event_type, data, event_id=None):
    """The contract's envelope around @data (Id and OccurredOn are filled in)."""
    event_id = event_id or new_id()
    return {"EventId": event_id, "EventType": event_type, "OccurredOn": now(),
            "Data": {"Id": event_id, "OccurredOn": now(), **data}}


def properties(event, **changes):
    """The AMQP properties the contract lists for what we write."""
    members = {"content_type": "application/json", "delivery_mode": 2,
               "message_id": event["EventId"], "type": event["EventType"], "app_id": "test", **changes}
    return pika.BasicProperties(**members)


def publish(broker, event, plain=False):
    """Publishes to the event's own exchange; @plain leaves all properties away."""
    body = json.dumps(event)
    broker.publish(EXCHANGE_OF[event["EventType"]], event["EventType"], body,
                   None if plain else properties(event))


def renamed(value, rule):
    """The same JSON with every member name passed through @rule."""
    if isinstance(value, dict):
        return {rule(k): renamed(v, rule) for k, v in value.items()}
    if isinstance(value, list):
        return [renamed(v, rule) for v in value]
    return value


def camel(name):
    return name[:1].lower() + name[1:]
