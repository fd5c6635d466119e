"""What three services tell of an order, as one story that ends in one sentence. Knows no network and no terminal."""

import datetime

DONE, WAITING, LATE, STUCK = "done", "waiting", "late", "stuck"
NEEDS_SOMEBODY = ("DeadLetter", "Parked")
END_OF = {"Confirmed": "OrderConfirmedEvent", "Cancelled": "OrderCancelledEvent"}
WITHIN_SECONDS = 10  # for what no service tells a time of: stock given back, a notification noted
UNSENT = ("Pending", "Sending")


class Story:
    """@order, @stock and @notifications are what the services answered; None of the last two: nothing is known there."""

    def __init__(self, order, stock, notifications, now):
        self.order, self.stock, self.notifications, self._now = order, stock, notifications, now

    def as_json(self):
        state, sentence = self.verdict()
        return {"orderId": self.order["orderId"], "state": state, "verdict": sentence, "order": self.order,
                "stock": self.stock, "notifications": self.notifications}  # fmt: skip

    # ---- what happened ----

    def lines(self):
        """[(time, service, text)], oldest first: what happened, and what is held up."""
        found = [*self._order_lines(), *self._stock_lines(), *self._notification_lines()]
        for service, held in self._held():
            found.append((held["since"], service, _held_text(held)))
        return sorted(found)

    def _order_lines(self):
        for step in self.order["steps"]:
            text = f"{step['step']}: {step['cause']}"
            if step["step"] == "AnnouncedAgain":
                text += f" ({step['times']} times)" if step["times"] > 1 else ""
            elif not step["published"]:
                text += f" ({step['event']} is not published yet)"
            text += f", by {step['by']}" if "by" in step else ""
            yield step["at"], "order", text + (f"  trace {step['traceId']}" if "traceId" in step else "")

    def _stock_lines(self):
        if self.stock is None:
            return
        reservation = self.stock.get("reservation")
        if reservation and reservation["status"] in ("Refused", "Cancelled"):
            reason = f": {reservation['reason']}" if "reason" in reservation else ""
            yield reservation["updatedAt"], "stock", f"stock {reservation['status'].lower()}{reason}"
        for movement in self.stock["movements"]:
            yield movement["at"], "stock", f"{movement['kind']}: {movement['delta']:+d} of {movement['productId']}"

    def _notification_lines(self):
        for entry in self._entries():
            text = f"{entry['event']}: {entry['status'].lower()}"
            text += f" to {entry['destination']}" if entry.get("destination") else ""
            text += f", {entry['attempts']} attempts: {entry['error']}" if entry.get("error") else ""
            if "resentAt" in entry:
                yield entry["resentAt"], "notification", f"{entry['event']}: support asks for it to be sent again"
            yield entry["sentAt"] if entry["status"] == "Sent" else entry["updatedAt"], "notification", text

    def _entries(self):
        return self.notifications["notifications"] if self.notifications else []

    def _held(self):
        """(service, message) of each that is held up."""
        for service, told in (("order", self.order), ("stock", self.stock), ("notification", self.notifications)):
            for held in (told or {}).get("pending", []):
                yield service, held

    # ---- how it stands ----

    def verdict(self):
        """(state, one sentence)."""
        for service, held in self._held():
            if held["place"] in NEEDS_SOMEBODY and (service != "order" or self.order["state"] == "Stuck"):
                return STUCK, f"stuck: {_held_text(held)} in the {service} service; {_advice(held)}"
        if self.order["state"] != "Done":
            return self._of_order()
        return self._of_stock() or self._of_customer() or (DONE, self._done())

    def _of_order(self):
        expected, order_id = self.order["expected"], self.order["orderId"]
        answer = next((held for service, held in self._held() if service == "stock" and "queue" not in held), None)
        if answer is not None:
            expected = {**expected, "what": f"{answer['type']} is published", "of": "stock-worker", "since": answer["since"]}
        what = f"{expected['what']} of {expected['of']} since {expected['since']}"
        if self.order["state"] == "Stuck":
            return STUCK, f"stuck: it waits for {what}, and the watch announces it again; ./cartwheel logs --order {order_id}"
        if self.order["state"] == "Late":
            return LATE, f"late: it waits for {what}, which was due at {expected['by']}; ./cartwheel status says who does not run"
        return WAITING, f"waiting for {what}; late after {expected['by']}"

    def _of_stock(self):
        """Stock of a cancelled order has to come back."""
        reservation = (self.stock or {}).get("reservation")
        if self.order["status"] != "Cancelled" or not reservation or reservation["status"] != "Taken":
            return None
        return self._since(self._ends()["Cancelled"], "its stock to be given back by stock-worker")

    def _of_customer(self):
        """Each end of the order is told to its customer."""
        told = {entry["event"]: entry for entry in self._entries()}
        for end, at in self._ends().items():
            entry = told.get(END_OF[end])
            if entry is None:
                return self._since(at, f"a notification of {END_OF[end]} by notification-worker")
            if entry["status"] == "Failed" and "sentAt" not in entry:
                return STUCK, f"stuck: its customer was not told of {END_OF[end]}: {entry.get('error') or 'no reason is known'}"
            if entry["status"] in UNSENT:
                why = f" ({entry['error']})" if entry.get("error") else ""
                state = LATE if entry["attempts"] > 1 and why else WAITING
                return state, f"{state}: {END_OF[end]} is to be sent by notification-worker at {entry['dueAt']}{why}"
        return None

    def _ends(self):
        """{status: when} of the ends that it has had."""
        return {step["step"]: step["at"] for step in self.order["steps"] if step["step"] in END_OF}

    def _since(self, at, what):
        by = moment(at) + datetime.timedelta(seconds=WITHIN_SECONDS)
        if self._now <= by:
            return WAITING, f"waiting for {what} since {at}"
        return LATE, f"late: it waits for {what} since {at}; ./cartwheel status says who does not run"

    def _done(self):
        order_id, status = self.order["orderId"], self.order["status"]
        sent = [entry.get("sentAt") for entry in self._entries() if entry.get("sentAt")]
        return f"done: order {order_id} is {status.lower()}" + (f", its customer was told at {max(sent)}" if sent else "")


def moment(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def _held_text(held):
    what = held.get("type") or "a message"
    if held["place"] == "Outbox":
        return f"{what} waits in the outbox" + (f" on its way from {held['queue']}" if "queue" in held else "")
    where = "is parked in the outbox" if held["place"] == "Parked" else f"is a dead letter of {held.get('queue', 'no queue')}"
    return f"{what} {where}: {held.get('reason', 'no reason is known')}"


def _advice(held):
    if held["place"] == "DeadLetter":
        return f"./cartwheel dlq show {held['id']}"
    return "docs/operations.md says what to do about outbox_parked"
