"""The notification service: sends inside the handling of the event, by HTTP, to made-up addresses."""

import json
import time
import traceback
import urllib.error
import urllib.request

import psycopg

from support.names import ORDER_CANCELLED, ORDER_CONFIRMED, ORDER_EXCHANGE
from support.standins import wire
from support.standins.worker import Consumer, Worker

PREFETCH = 1
EMAIL = 1
RETRIES = 3
TEMPLATES = {ORDER_CONFIRMED: "ORDER_CONFIRMED", ORDER_CANCELLED: "ORDER_CANCELLED"}


class Ends(Consumer):
    """Ends of orders. An event that was noted is taken for handled, whatever became of it."""

    def handle(self, delivery):
        try:
            self._handle(delivery)
        except Exception:
            traceback.print_exc()
            delivery.requeue()
        self.worker.steps.reached("settled")

    def _handle(self, delivery):
        found = wire.read(delivery.body, any_case=True)
        if found is None:
            raise ValueError("no event")
        steps = self.worker.steps
        if self.database.execute('select from "ProcessedEvents" where "EventId" = %s and "QueueName" = %s',
                                 (found["EventId"], self.queue)).fetchone() is None:
            self.database.execute(
                'insert into "ProcessedEvents" ("Id", "EventType", "QueueName", "EventId", "OccurredOn")'
                " values (%s, %s, %s, %s, %s)",
                (wire.new_id(), found["EventType"], self.queue, found["EventId"], found["OccurredOn"]))
            steps.reached("begun")
            self._notify(found)
            steps.reached("applied")
            self.database.execute('update "ProcessedEvents" set "ProcessedOn" = now() where "EventId" = %s'
                                  ' and "QueueName" = %s', (found["EventId"], self.queue))
            steps.reached("noted")
        delivery.ack()

    def _notify(self, found):
        event = {name.lower(): value for name, value in found["Data"].items()}
        short = event["customerid"].replace("-", "")[:8]
        values = {"CustomerName": f"Customer {short}", "OrderNumber": event["orderid"], "OrderId": event["orderid"],
                  "OrderTotal": event.get("ordertotal"), "Reason": event.get("reason")}
        subject, body = self._template(TEMPLATES[found["EventType"]])
        for name, value in values.items():
            if value is not None:
                body = body.replace("{" + name + "}", str(value))
        destination = f"customer{short}@example.com"
        status, error = self._send({"to": destination, "subject": subject, "body": body})
        self.worker.steps.reached("sent")
        data = {"OrderId": event["orderid"], "CustomerId": event["customerid"],
                **({"Reason": event["reason"]} if "reason" in event else {"OrderTotal": event.get("ordertotal", 0)}),
                "Id": wire.new_id(), "OccurredOn": wire.now()}
        self._keep(found, data, destination, body, status, error)

    def _template(self, code):
        row = self.database.execute('select "Subject", "Body" from "NotificationTemplates" where "TemplateCode" = %s'
                                    ' and "Channel" = %s and "Language" = %s', (code, EMAIL, "en")).fetchone()
        if row is None:
            raise LookupError(f"no template {code}")
        return row

    def _send(self, message):
        """(status, error); an answer other than 2xx is tried again, and then part of the log."""
        request = urllib.request.Request(self.worker.sender_url, json.dumps(message).encode(),
                                         {"Content-Type": "application/json"})
        for attempt in range(RETRIES + 1):
            if attempt:
                time.sleep(2 ** attempt)
            try:
                with urllib.request.urlopen(request, timeout=100):
                    return "OK", None
            except urllib.error.HTTPError as refusal:
                status, error = str(refusal.code), refusal.read().decode(errors="replace")
        return status, error

    def _keep(self, found, data, destination, body, status, error):
        with self.database.transaction():
            self.database.execute(
                'insert into "NotificationLogs" values (%s, %s, %s, %s, %s, %s, now(), %s, %s)',
                (wire.new_id(), found["EventId"], found["EventType"], EMAIL, destination, body, status, error))
            envelope = {name: found[name] for name in ("EventId", "EventType", "OccurredOn")} | {"Data": data}
            self.database.execute(
                'insert into "OutboxMessages" ("Id", "EventId", "OccurredOn", "Type", "Data", "Payload")'
                " values (%s, %s, %s, %s, %s, %s)",
                (wire.new_id(), found["EventId"], found["OccurredOn"], found["EventType"],
                 psycopg.types.json.Jsonb(data), json.dumps(envelope)))


def run(**options):
    """Nothing publishes its outbox."""
    worker = Worker(**options)
    worker.run(Ends(worker, ORDER_EXCHANGE, "order.confirmed.queue", ORDER_CONFIRMED, PREFETCH).run,
               Ends(worker, ORDER_EXCHANGE, "order.cancelled.queue", ORDER_CANCELLED, PREFETCH).run)
