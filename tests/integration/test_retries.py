"""A message that cannot be handled: three attempts, each rolled back whole, then a dead letter."""

from support import events, poison
from support.api import new_id
from support.names import STOCK_COMPLETED
from support.waits import eventually

INBOX = "select count(*) from inbox where event_id = %s"


def publish_result(broker, order_id):
    event = events.envelope(STOCK_COMPLETED, {"OrderId": order_id, "EventId": new_id(), "Items": []})
    events.publish(broker, event)
    return event["EventId"]


def test_a_failed_message_leaves_no_inbox_row_and_ends_as_a_dead_letter(broker, databases, dead_letters):
    event_id = publish_result(broker, new_id())
    letters = eventually(lambda: dead_letters.of(event_id), "the dead letter of " + event_id, timeout=30)
    assert len(letters) == 1
    assert letters[0].queue == "order.stock.completed"
    assert "there is no order" in letters[0].reason
    assert letters[0].attempts == 3
    # The batch had taken the event in before it failed: an undone attempt must not look like a duplicate.
    assert databases.value("order", INBOX, (event_id,)) == 0


def test_neighbours_of_a_failed_message_are_handled_at_once(broker, orders, stocks, dead_letters):
    product = stocks.create(20)
    strangers = [publish_result(broker, new_id()) for _ in range(3)]
    good = [orders.placed((product, 1)) for _ in range(20)]
    for order_id in good:
        orders.wait(order_id, "Confirmed")
    for event_id in strangers:
        eventually(lambda: dead_letters.of(event_id), "the dead letter of " + event_id, timeout=30)
    assert stocks.quantity(product) == 0


def test_a_retry_that_finds_no_queue_is_not_late_by_minutes(system, broker, dead_letters):
    """The broker keeps it meanwhile, where no count shows it."""
    queue = "stock.ordercreated"
    _, _, marker, body, properties = next(m for m in poison.every_kind() if m[:2] == ("cut-off", queue))
    with system.without("stock-worker"):
        broker.channel.queue_delete(queue)
        broker.to_queue(queue + ".retry.1", body, properties)
        eventually(lambda: broker.depth(queue + ".retry.1") == 0, "its time to be over")
    eventually(lambda: dead_letters.of(marker), "the dead letter of " + marker, timeout=30)
