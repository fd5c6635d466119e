"""Events as the stand-ins write and read them."""

import datetime
import json
import random
import uuid


def new_id():
    return str(uuid.uuid4())


def now():
    """UTC with ticks of 100 ns."""
    time = datetime.datetime.now(datetime.timezone.utc)
    return time.strftime("%Y-%m-%dT%H:%M:%S.%f") + f"{random.randint(1, 9)}Z"


def envelope(event_type, members):
    """(event id, body) of a domain event: what is particular to it comes first."""
    data = {**members, "Id": new_id(), "OccurredOn": now()}
    return data["Id"], json.dumps(
        {"EventId": data["Id"], "EventType": event_type, "OccurredOn": data["OccurredOn"], "Data": data},
        separators=(",", ":"))


def read(body, any_case=False):
    """The envelope; None when it is none. @any_case: member names match whatever their case."""
    found = json.loads(body)
    if any_case:
        found = {name.lower(): value for name, value in found.items()}
        found = {name: found.get(name.lower()) for name in ("EventId", "EventType", "OccurredOn", "Data")}
    if not found.get("EventId") or not uuid.UUID(found["EventId"]).int or found.get("Data") is None:
        return None
    return found


def data_of(found):
    """Data, which may be a string that holds the object."""
    return json.loads(found["Data"]) if isinstance(found["Data"], str) else found["Data"]
