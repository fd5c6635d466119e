"""Stand-ins for the three services that Cartwheel replaces, as far as its services meet them: what they declare, publish,
store and do when something fails, their flaws included. One process a service, so that it can be killed.

They differ from ours where docs/replacing-the-dotnet-services.md says so:
- queues are declared durable and classic, without arguments, and what is published has no properties and no confirm;
- an event is known by its id alone; it is noted as in progress, handled and noted as completed in three transactions, and
  one that is found in progress is given back at once, for ever;
- a refusal for lack of stock is tried three times and dead-lettered; nothing gives stock back;
- an order's status is changed whatever it was;
- a notification whose handling failed is never tried again.

The original's connections recover by themselves; here the process ends with its connection.
"""
