-- Where the trace of a notification goes on when it is sent: the span in which its event was handled.

alter table notifications add column traceparent text; -- W3C; null: there is none, or an older build noted it
