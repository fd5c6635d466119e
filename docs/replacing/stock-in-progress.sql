-- Run in the .NET stock service's database while its worker is stopped: what a kill left in progress, and which products
-- were changed after that began. The worker does nothing else meanwhile, so when these are the items of the order that waits
-- at the head of stock.ordercreated, they were taken without a word: add them again, since the order will take them anew.
select "EventId", "OccurredOn" as begun from processed_events where "Status" = 0;
select "ProductId", "Quantity" from stocks
where age(xmin) < (select max(age(xmin)) from processed_events where "Status" = 0);
