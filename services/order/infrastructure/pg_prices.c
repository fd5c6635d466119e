/* The price list: the present prices, and every version that there was. */
#include "order/infrastructure/pg_prices.h"

#include "chassis/core/cast.h"

/* $1 products; one row each, in their order. A deleted price has a version and no amount. */
static const ChPgStatement sql_find_prices = {
    "select asked.product_id, p.version, p.unit_price, p.currency, p.changed_at"
    " from unnest($1) with ordinality as asked (product_id, place)"
    " left join prices p on p.product_id = asked.product_id order by asked.place",
    { CH_PG_UUIDS },
};

/* $1 after this product, $2 limit; the same columns. */
static const ChPgStatement sql_list_prices = {
    "select product_id, version, unit_price, currency, changed_at from prices"
    " where product_id > $1 and unit_price is not null order by product_id limit $2",
    { CH_PG_UUID, CH_PG_INT },
};

/* Newest first, and oldest first. $1 product, $2 before this version, $3 limit, $4 after this
 * version, $5 changed at this time or later, $6 earlier than it; the same columns. */
#define LIST_VERSIONS(way)                                                                         \
    {                                                                                              \
        "select product_id, version, unit_price, currency, changed_at from price_versions"         \
        " where product_id = $1 and version < $2 and version > $4 and changed_at >= $5"            \
        " and changed_at < $6 order by version " way " limit $3",                                  \
        {                                                                                          \
            CH_PG_UUID, CH_PG_INT, CH_PG_INT, CH_PG_INT, CH_PG_TIME, CH_PG_TIME                    \
        }                                                                                          \
    }
static const ChPgStatement sql_list_versions[] = { LIST_VERSIONS("desc"), LIST_VERSIONS("asc") };
enum {
    PRICE_PRODUCT,
    PRICE_VERSION,
    PRICE_AMOUNT,
    PRICE_CURRENCY,
    PRICE_CHANGED_AT,
};

/* Writers one at a time: a product without a price has no row that could be locked. Readers don't
 * wait. */
static const ChPgStatement sql_lock_prices = {
    "lock table prices in share row exclusive mode",
    { CH_PG_NONE },
};

/* $1 products, $2 versions, $3 amounts, $4 currencies, $5 times; the newest of a product becomes
 * the present one. */
static const ChPgStatement sql_save_prices = {
    "with made as materialized (select * from unnest($1, $2, $3, $4, $5)"
    "  as version (product_id, version, unit_price, currency, changed_at)),"
    " kept as (insert into price_versions (product_id, version, unit_price, currency, changed_at)"
    "  select * from made)"
    " insert into prices (product_id, version, unit_price, currency, changed_at)"
    " select distinct on (product_id) * from made order by product_id, version desc"
    " on conflict (product_id) do update set version = excluded.version,"
    " unit_price = excluded.unit_price, currency = excluded.currency,"
    " changed_at = excluded.changed_at",
    { CH_PG_UUIDS, CH_PG_INTS, CH_PG_DECIMALS, CH_PG_TEXTS, CH_PG_TIMES },
};

/* ---- reading ---- */

static OrderPrice price_from(const ChPgRows *rows, size_t row)
{
    OrderPrice price = {
        .product_id = ch_pg_uuid(rows, row, PRICE_PRODUCT),
        .listed = !ch_pg_is_null(rows, row, PRICE_AMOUNT),
        .version = ch_pg_int(rows, row, PRICE_VERSION),
        .unit_price = ch_pg_decimal(rows, row, PRICE_AMOUNT),
        .changed_us = ch_pg_time(rows, row, PRICE_CHANGED_AT),
    };
    if (price.listed)
        g_strlcpy(price.currency, ch_pg_text(rows, row, PRICE_CURRENCY), sizeof price.currency);
    return price;
}

ChPgParams *order_pg_find_prices(const OrderPrice *prices, size_t n)
{
    ChPgParams *params = ch_pg_params_new(&sql_find_prices);
    for (size_t i = 0; i < n; i++)
        ch_pg_add_uuid(params, 0, prices[i].product_id);
    return params;
}

void order_pg_take_prices(const ChPgRows *rows, OrderPrice *prices, size_t n)
{
    for (size_t i = 0; i < n; i++)
        prices[i] = price_from(rows, i);
}

static GPtrArray *page_from(const ChPgRows *rows)
{
    GPtrArray *page = g_ptr_array_new_with_free_func(g_free);
    for (size_t row = 0; row < ch_pg_rows_count(rows); row++) {
        OrderPrice price = price_from(rows, row);
        g_ptr_array_add(page, g_memdup2(&price, sizeof price));
    }
    return page;
}

/* The page that each of params[0..n) asks for. */
static bool find_pages(ChPg *pg, ChPgParams *const *params, size_t n, GPtrArray **pages,
                       GError **error)
{
    ChPgRows **rows = ch_pg_query_all(pg, params, n, error);
    if (rows == NULL)
        return false;
    for (size_t i = 0; i < n; i++)
        pages[i] = page_from(rows[i]);
    ch_pg_rows_free_all(rows, n);
    return true;
}

bool order_pg_list_prices(ChPg *pg, const ChPage *pages, size_t n, GPtrArray **found,
                          GError **error)
{
    g_autofree ChPgParams **params = g_new(ChPgParams *, n);
    for (size_t i = 0; i < n; i++) {
        params[i] = ch_pg_params_new(&sql_list_prices);
        ch_pg_add_uuid(params[i], 0, pages[i].has_last ? pages[i].last : (ChUuid){ { 0 } });
        ch_pg_add_int(params[i], 1, pages[i].rows);
    }
    return find_pages(pg, params, n, found, error);
}

bool order_pg_price_versions(ChPg *pg, const OrderPriceRange *ranges, size_t n, GPtrArray **pages,
                             GError **error)
{
    g_autofree ChPgParams **params = g_new(ChPgParams *, n);
    for (size_t i = 0; i < n; i++) {
        params[i] = ch_pg_params_new(&sql_list_versions[ranges[i].oldest_first]);
        ch_pg_add_uuid(params[i], 0, ranges[i].product_id);
        ch_pg_add_int(params[i], 1, ranges[i].before);
        ch_pg_add_int(params[i], 2, ranges[i].limit);
        ch_pg_add_int(params[i], 3, ranges[i].after);
        ch_pg_add_time(params[i], 4, ranges[i].changed.from_us);
        ch_pg_add_time(params[i], 5, ranges[i].changed.before_us);
    }
    return find_pages(pg, params, n, pages, error);
}

/* ---- writing ---- */

typedef struct {
    OrderPrices base;
    ChPg *pg;
} PgPrices;

static const OrderPricesOps pg_prices_ops;

static ChPg *pg_of(OrderPrices *self)
{
    return CH_CAST(PgPrices, self, &pg_prices_ops)->pg;
}

/* Two statements: the snapshot of the second is taken when the lock is held. */
static bool lock(OrderPrices *self, OrderPrice *prices, size_t n, GError **error)
{
    ChPg *pg = pg_of(self);
    if (!ch_pg_send(pg, ch_pg_params_new(&sql_lock_prices), NULL, error))
        return false;
    g_autoptr(ChPgRows) rows = ch_pg_query(pg, order_pg_find_prices(prices, n), error);
    if (rows == NULL)
        return false;
    order_pg_take_prices(rows, prices, n);
    return true;
}

static bool save(OrderPrices *self, const OrderPrice *versions, size_t n, GError **error)
{
    ChPgParams *params = ch_pg_params_new(&sql_save_prices);
    for (size_t i = 0; i < n; i++) {
        ch_pg_add_uuid(params, 0, versions[i].product_id);
        ch_pg_add_int(params, 1, versions[i].version);
        if (versions[i].listed)
            ch_pg_add_decimal(params, 2, versions[i].unit_price);
        else
            ch_pg_add_null(params, 2);
        ch_pg_add_text(params, 3, versions[i].listed ? versions[i].currency : NULL);
        ch_pg_add_time(params, 4, versions[i].changed_us);
    }
    return ch_pg_send(pg_of(self), params, NULL, error);
}

static void free_prices(OrderPrices *self)
{
    g_free(CH_CAST(PgPrices, self, &pg_prices_ops));
}

static const OrderPricesOps pg_prices_ops = {
    .lock = lock,
    .save = save,
    .free = free_prices,
};

OrderPrices *order_pg_prices_new(ChPg *pg)
{
    PgPrices *prices = g_new0(PgPrices, 1);
    prices->base.ops = &pg_prices_ops;
    prices->pg = pg;
    return &prices->base;
}
