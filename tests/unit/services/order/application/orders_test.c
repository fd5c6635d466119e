/* Names of statuses, and totals up to their limit. */
#include "order/application/orders.h"

#include <glib.h>

static void test_status_names(void)
{
    static const struct {
        OrderStatus status;
        const char *name;
    } cases[] = {
        { ORDER_CREATED, "Created" },
        { ORDER_CONFIRMED, "Confirmed" },
        { ORDER_CANCELLED, "Cancelled" },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        OrderStatus status = 0;
        g_assert_cmpstr(order_status_name(cases[i].status), ==, cases[i].name);
        g_assert_true(order_status_parse(cases[i].name, &status));
        g_assert_cmpint(status, ==, cases[i].status);
    }
    /* They are stored. */
    g_assert_cmpint(ORDER_CREATED, ==, 1);
    g_assert_cmpint(ORDER_CONFIRMED, ==, 2);
    g_assert_cmpint(ORDER_CANCELLED, ==, 3);
}

static void test_other_names_are_refused(void)
{
    static const char *const names[] = { "", "created", "CONFIRMED", "Canceled", "Created ", "1" };
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        OrderStatus status = ORDER_CONFIRMED;
        g_assert_false(order_status_parse(names[i], &status));
        g_assert_cmpint(status, ==, ORDER_CONFIRMED); /* untouched */
    }
}

static void test_limits_are_those_of_the_contract(void)
{
    ChDecimal price = 0;
    ChDecimal total = 0;
    g_assert_true(ch_decimal_parse("9999999.9999", &price));
    g_assert_true(ch_decimal_parse("999999999999.9999", &total));
    g_assert_cmpint(ORDER_MAX_UNIT_PRICE, ==, price);
    g_assert_cmpint(ORDER_MAX_TOTAL, ==, total);
}

static OrderItem item(int64_t quantity, ChDecimal unit_price)
{
    return (OrderItem){ .quantity = quantity, .unit_price = unit_price };
}

static void test_total_sums_exactly(void)
{
    ChDecimal total = 42;
    g_assert_true(order_total(NULL, 0, &total));
    g_assert_cmpint(total, ==, 0);

    const OrderItem items[] = {
        item(3, 1),      /* 0.0003 */
        item(1, 125000), /* 12.5 */
        item(1000000, 0),
        item(7, 99999999999),
    };
    g_assert_true(order_total(items, G_N_ELEMENTS(items), &total));
    g_assert_cmpint(total, ==, 3 + 125000 + 7 * INT64_C(99999999999));
}

static void test_total_up_to_its_limit(void)
{
    /* 999,999,999,999.9999 = 99,999 * 9,999,999.9999 and a rest that one more item makes up. */
    ChDecimal rest = ORDER_MAX_TOTAL - 99999 * ORDER_MAX_UNIT_PRICE;
    g_assert_cmpint(rest, <=, ORDER_MAX_UNIT_PRICE * 2);
    OrderItem items[] = { item(99999, ORDER_MAX_UNIT_PRICE), item(1, rest) };
    ChDecimal total = 0;
    g_assert_true(order_total(items, 2, &total));
    g_assert_cmpint(total, ==, ORDER_MAX_TOTAL);

    items[1].unit_price++;
    total = 42;
    g_assert_false(order_total(items, 2, &total));
    g_assert_cmpint(total, ==, 42); /* untouched */
}

static void test_total_never_overflows(void)
{
    OrderItem items[ORDER_MAX_ITEMS];
    for (size_t i = 0; i < ORDER_MAX_ITEMS; i++)
        items[i] = item(ORDER_MAX_QUANTITY, ORDER_MAX_UNIT_PRICE);
    ChDecimal total = 42;
    g_assert_false(order_total(items, ORDER_MAX_ITEMS, &total));
    g_assert_false(order_total(items, 1, &total)); /* one line alone is above the limit */

    const OrderItem overflowing = item(2, G_MAXINT64);
    g_assert_false(order_total(&overflowing, 1, &total));
    const OrderItem wrapping[] = { item(1, ORDER_MAX_TOTAL), item(1, G_MAXINT64) };
    g_assert_false(order_total(wrapping, 2, &total));
    g_assert_cmpint(total, ==, 42);
}

static void test_free_takes_null(void)
{
    order_placement_free(NULL);
    order_stock_result_free(NULL);
    order_free(NULL);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/orders/status/names", test_status_names);
    g_test_add_func("/orders/status/other-names-are-refused", test_other_names_are_refused);
    g_test_add_func("/orders/limits-are-those-of-the-contract",
                    test_limits_are_those_of_the_contract);
    g_test_add_func("/orders/total/sums-exactly", test_total_sums_exactly);
    g_test_add_func("/orders/total/up-to-its-limit", test_total_up_to_its_limit);
    g_test_add_func("/orders/total/never-overflows", test_total_never_overflows);
    g_test_add_func("/orders/free-takes-null", test_free_takes_null);
    return g_test_run();
}
