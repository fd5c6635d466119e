-- Who changed a quantity. Null in the rows of before, and where an order did.
alter table stock_movements add column actor text;
