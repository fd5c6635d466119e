"""A message that nobody can read, for the demo and for ./cartwheel break poison."""

import ssl


def publish(endpoints, message_id):
    """Half an OrderCreatedEvent, which the stock service's consumer gives up at once."""
    import pika  # installed by ./cartwheel for who needs it

    parameters = pika.URLParameters(endpoints["amqp_url"])
    if parameters.ssl_options is not None:
        trust = ssl.create_default_context(cafile=endpoints["ca_file"])
        parameters.ssl_options = pika.SSLOptions(trust, parameters.host)
    connection = pika.BlockingConnection(parameters)
    try:
        channel = connection.channel()
        channel.confirm_delivery()
        channel.basic_publish(
            "order.events.topic",
            "OrderCreatedEvent",
            b'{"EventId": "' + message_id.encode() + b'", "EventType": ',
            pika.BasicProperties(message_id=message_id, type="OrderCreatedEvent", delivery_mode=2),
            mandatory=True,
        )
    finally:
        connection.close()
