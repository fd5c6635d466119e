-- Which trace placed an order, and which moved it: who asks what became of it finds the spans and log lines.
-- Null in the rows of before.
alter table orders add column trace_id uuid;
alter table order_history add column trace_id uuid;
