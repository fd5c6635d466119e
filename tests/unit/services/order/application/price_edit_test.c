/* Changes of the price list: what each makes of a price, and what is kept of it. */
#include "tests/stores/memory_prices.h"

#include "order/application/price_edit.h"

typedef struct {
    MemoryPrices *store;
    OrderPriceOutcome outcomes[8];
} Fixture;

static void set_up(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    f->store = memory_prices_new();
}

static void tear_down(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    memory_prices_free(f->store);
}

static OrderPriceEdit set(unsigned product, ChDecimal unit_price, const char *currency)
{
    OrderPriceEdit edit = { .product_id = fake_product(product), .unit_price = unit_price };
    g_strlcpy(edit.currency, currency, sizeof edit.currency);
    return edit;
}

static OrderPriceEdit deletion(unsigned product)
{
    return (OrderPriceEdit){ .is_deletion = true, .product_id = fake_product(product) };
}

static OrderPriceEdit expecting(OrderPriceEdit edit, int64_t version)
{
    edit.expected = (ChExpected){ 1, { version } };
    edit.must_be_listed = true;
    return edit;
}

static void must_edit(Fixture *f, const OrderPriceEdit *edits, size_t n)
{
    g_autoptr(GError) error = NULL;
    g_assert_cmpuint(n, <=, G_N_ELEMENTS(f->outcomes));
    g_string_truncate(f->store->calls.text, 0);
    bool ok = order_edit_prices(&f->store->base, edits, n, f->outcomes, &error);
    g_assert_no_error(error);
    g_assert_true(ok);
}

static OrderPriceResult edit_one(Fixture *f, OrderPriceEdit edit)
{
    must_edit(f, &edit, 1);
    return f->outcomes[0].result;
}

static void assert_price(const Fixture *f, unsigned product, int64_t version, ChDecimal unit_price,
                         const char *currency)
{
    OrderPrice price = memory_prices_get(f->store, fake_product(product));
    g_assert_true(price.listed);
    g_assert_cmpint(price.version, ==, version);
    g_assert_cmpint(price.unit_price, ==, unit_price);
    g_assert_cmpstr(price.currency, ==, currency);
}

static void test_first_price_is_created(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    g_assert_cmpint(edit_one(f, set(1, 199900, "USD")), ==, ORDER_PRICE_CREATED);
    assert_price(f, 1, 1, 199900, "USD");
    g_assert_cmpint(f->outcomes[0].price.version, ==, 1);
    g_assert_cmpint(f->outcomes[0].price.changed_us, >, 0);
}

static void test_another_price_is_another_version(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    edit_one(f, set(1, 199900, "USD"));
    g_assert_cmpint(edit_one(f, set(1, 150000, "USD")), ==, ORDER_PRICE_CHANGED);
    g_assert_cmpint(edit_one(f, set(1, 150000, "EUR")), ==, ORDER_PRICE_CHANGED);
    assert_price(f, 1, 3, 150000, "EUR");
    g_assert_cmpuint(f->store->versions->len, ==, 3);
}

static void test_the_same_price_changes_nothing(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    edit_one(f, set(1, 199900, "USD"));
    g_assert_cmpint(edit_one(f, set(1, 199900, "USD")), ==, ORDER_PRICE_UNCHANGED);
    g_assert_cmpstr(f->store->calls.text->str, ==, "lock(1) ");
    g_assert_cmpint(f->outcomes[0].price.version, ==, 1);
}

static void test_no_version_comes_twice(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    edit_one(f, set(1, 199900, "USD"));
    g_assert_cmpint(edit_one(f, deletion(1)), ==, ORDER_PRICE_CHANGED);
    g_assert_false(memory_prices_get(f->store, fake_product(1)).listed);
    g_assert_cmpint(edit_one(f, deletion(1)), ==, ORDER_PRICE_UNKNOWN);
    g_assert_cmpint(edit_one(f, set(1, 199900, "USD")), ==, ORDER_PRICE_CREATED);
    assert_price(f, 1, 3, 199900, "USD");
    g_assert_cmpint(edit_one(f, expecting(set(1, 5, "USD"), 1)), ==, ORDER_PRICE_STALE);
}

static void test_an_unexpected_version_is_stale(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    edit_one(f, set(1, 10000, "USD"));
    edit_one(f, set(1, 20000, "USD"));
    g_assert_cmpint(edit_one(f, expecting(set(1, 5, "USD"), 1)), ==, ORDER_PRICE_STALE);
    g_assert_cmpint(edit_one(f, expecting(deletion(1), 1)), ==, ORDER_PRICE_STALE);
    assert_price(f, 1, 2, 20000, "USD");
    g_assert_cmpint(edit_one(f, expecting(set(1, 5, "USD"), 2)), ==, ORDER_PRICE_CHANGED);
    assert_price(f, 1, 3, 5, "USD");
}

static void test_what_must_be_listed_creates_nothing(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    OrderPriceEdit any_version = set(1, 5, "USD"); /* If-Match: * */
    any_version.must_be_listed = true;
    g_assert_cmpint(edit_one(f, any_version), ==, ORDER_PRICE_STALE);
    g_assert_cmpint(edit_one(f, expecting(set(1, 5, "USD"), 0)), ==, ORDER_PRICE_STALE);
    g_assert_cmpuint(f->store->versions->len, ==, 0);
    edit_one(f, set(1, 7, "USD"));
    g_assert_cmpint(edit_one(f, any_version), ==, ORDER_PRICE_CHANGED);
}

static void test_edits_of_a_batch_follow_each_other(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    const OrderPriceEdit edits[] = {
        set(2, 1, "USD"),
        set(1, 1, "USD"),
        expecting(set(1, 2, "USD"), 1),
        expecting(set(1, 3, "USD"), 1),
        deletion(2),
        set(1, 2, "USD"),
    };
    static const OrderPriceResult results[] = {
        ORDER_PRICE_CREATED, ORDER_PRICE_CREATED, ORDER_PRICE_CHANGED,
        ORDER_PRICE_STALE,   ORDER_PRICE_CHANGED, ORDER_PRICE_UNCHANGED,
    };
    must_edit(f, edits, G_N_ELEMENTS(edits));
    for (size_t i = 0; i < G_N_ELEMENTS(edits); i++)
        g_assert_cmpint(f->outcomes[i].result, ==, results[i]);
    g_assert_cmpstr(f->store->calls.text->str, ==, "lock(2) save(4) ");
    assert_price(f, 1, 2, 2, "USD");
    g_assert_false(memory_prices_get(f->store, fake_product(2)).listed);
}

static void test_failures_of_the_store_pass_through(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    static const char *const slots[] = { "lock", "save" };
    const OrderPriceEdit edit = set(1, 5, "USD");
    for (size_t i = 0; i < G_N_ELEMENTS(slots); i++) {
        g_autoptr(GError) error = NULL;
        f->store->calls.failing = slots[i];
        f->store->calls.failure = CH_ERROR_UNAVAILABLE;
        g_assert_false(order_edit_prices(&f->store->base, &edit, 1, f->outcomes, &error));
        g_assert_error(error, CH_ERROR, CH_ERROR_UNAVAILABLE);
        g_assert_cmpuint(f->store->versions->len, ==, 0);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(name, test)                                                                            \
    g_test_add("/order/price-edit/" name, Fixture, NULL, set_up, test, tear_down)
    ADD("first-price-is-created", test_first_price_is_created);
    ADD("another-price-is-another-version", test_another_price_is_another_version);
    ADD("the-same-price-changes-nothing", test_the_same_price_changes_nothing);
    ADD("no-version-comes-twice", test_no_version_comes_twice);
    ADD("an-unexpected-version-is-stale", test_an_unexpected_version_is_stale);
    ADD("what-must-be-listed-creates-nothing", test_what_must_be_listed_creates_nothing);
    ADD("edits-of-a-batch-follow-each-other", test_edits_of_a_batch_follow_each_other);
    ADD("failures-of-the-store-pass-through", test_failures_of_the_store_pass_through);
#undef ADD
    return g_test_run();
}
