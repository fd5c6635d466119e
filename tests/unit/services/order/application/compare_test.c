/* What is a difference, and what is open, with a store in memory. */
#include "order/application/compare.h"

#include <string.h>

static const int64_t SECOND_US = G_USEC_PER_SEC;
static const int64_t NOW_US = INT64_C(1800000000) * G_USEC_PER_SEC;

typedef struct {
    OrderCompareStore base; /* first: the cast back is valid */
    GArray *outcomes;       /* OrderOutcome */
    GString *noted;         /* "<number>: <fault>\n" each; no fault: open */
    int notes;
} FakeStore;

static ChUuid id_of(uint8_t number)
{
    return (ChUuid){ { [0] = 1, [15] = number } };
}

static bool outcomes(OrderCompareStore *self, const OrderDigest *digest, GArray **found,
                     GError **error G_GNUC_UNUSED)
{
    FakeStore *fake = (FakeStore *)self;
    g_assert_cmpint(ch_uuid_compare(digest->after, digest->up_to), <, 0);
    *found = g_array_ref(fake->outcomes);
    return true;
}

static bool note(OrderCompareStore *self, const OrderDigest *digest G_GNUC_UNUSED,
                 const OrderDifference *differences, size_t n, GError **error G_GNUC_UNUSED)
{
    FakeStore *fake = (FakeStore *)self;
    fake->notes++;
    for (size_t i = 0; i < n; i++)
        g_string_append_printf(fake->noted, "%d: %s\n", differences[i].id.bytes[15],
                               differences[i].fault == NULL ? "open" : differences[i].fault);
    return true;
}

static void free_store(OrderCompareStore *self G_GNUC_UNUSED)
{
}

static const OrderCompareStoreOps fake_ops = { outcomes, note, free_store };

typedef struct {
    FakeStore store;
    OrderDigest *digest;
} Fixture;

static void set_up(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    f->store = (FakeStore){
        { &fake_ops }, g_array_new(FALSE, FALSE, sizeof(OrderOutcome)), g_string_new(NULL), 0
    };
    f->digest = g_new0(OrderDigest, 1);
    f->digest->up_to = id_of(255);
    f->digest->taken_us = NOW_US;
    f->digest->settled_us = NOW_US - 60 * SECOND_US;
    f->digest->open = g_array_new(FALSE, FALSE, sizeof(ChUuid));
}

static void tear_down(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    order_digest_free(f->digest);
    g_array_unref(f->store.outcomes);
    g_string_free(f->store.noted, TRUE);
}

/* An order that came to that status so long before the digest. */
static void ordered(Fixture *f, uint8_t number, OrderStatus status, int64_t value, int64_t ago_s)
{
    OrderOutcome outcome = { id_of(number), status, NOW_US - ago_s * SECOND_US, value };
    g_array_append_val(f->store.outcomes, outcome);
}

static void told(Fixture *f, uint8_t number, int64_t value)
{
    ch_digest_add(&f->digest->digest, id_of(number), value);
}

static void must_compare(Fixture *f, OrderCompared expected, const char *noted)
{
    GError *error = NULL;
    OrderCompared compared = ORDER_COMPARED_N;
    g_assert_true(order_compare(&f->store.base, f->digest, NOW_US, &compared, &error));
    g_assert_no_error(error);
    g_assert_cmpstr(f->store.noted->str, ==, noted);
    g_assert_cmpint(compared, ==, expected);
}

static void test_what_agrees_is_equal(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    ordered(f, 1, ORDER_CONFIRMED, 3, 100);
    ordered(f, 2, ORDER_CANCELLED, 0, 100);
    ordered(f, 3, ORDER_CREATED, 0, 100);
    told(f, 1, 3);
    must_compare(f, ORDER_COMPARED_EQUAL, "");
    g_assert_cmpint(f->store.notes, ==, 1); /* what was noted before is forgotten */
}

static void test_stock_that_differs_is_named(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    ordered(f, 1, ORDER_CONFIRMED, 3, 100);
    told(f, 2, 4);
    must_compare(f, ORDER_COMPARED_DIFFERENT,
                 "1: it is confirmed, and no stock is held for it\n"
                 "2: 4 units are held for it, and there is no such order\n");
}

static void test_other_units_are_one_difference(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    ordered(f, 1, ORDER_CONFIRMED, 3, 100);
    told(f, 1, 6);
    must_compare(f, ORDER_COMPARED_DIFFERENT, "1: it has 3 units, and 6 are held for it\n");
}

static void test_notifications_that_differ_are_named(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    f->digest->teller = ORDER_TOLD_BY_NOTIFICATION;
    ordered(f, 1, ORDER_CANCELLED, 1 + ORDER_TOLD_CANCELLED, 100);
    told(f, 1, 2);
    must_compare(f, ORDER_COMPARED_DIFFERENT,
                 "1: it was confirmed once, and there are 2 notifications of that;"
                 " it was cancelled once, and there are 0 notifications of that\n");
}

static void test_what_is_not_over_is_open(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    ChUuid listed = id_of(3);
    f->digest->cancelled_through_us = NOW_US - 200 * SECOND_US;
    g_array_append_val(f->digest->open, listed);
    ordered(f, 1, ORDER_CREATED, 0, 1000); /* the answer is on its way */
    ordered(f, 2, ORDER_CONFIRMED, 3, 59);
    ordered(f, 3, ORDER_CONFIRMED, 3, 1000);
    ordered(f, 4, ORDER_CANCELLED, 0, 199);
    told(f, 1, 1);
    told(f, 4, 1);
    GError *error = NULL;
    OrderCompared compared = ORDER_COMPARED_N;
    g_assert_true(order_compare(&f->store.base, f->digest, NOW_US, &compared, &error));
    g_assert_cmpint(compared, ==, ORDER_COMPARED_EQUAL);
    for (int i = 1; i <= 4; i++) {
        g_autofree char *line = g_strdup_printf("%d: open\n", i);
        g_assert_nonnull(strstr(f->store.noted->str, line));
    }
}

static void test_what_has_not_come_in_a_day_is_missing(Fixture *f,
                                                       gconstpointer unused G_GNUC_UNUSED)
{
    f->digest->cancelled_through_us = SECOND_US;
    ordered(f, 1, ORDER_CANCELLED, 0, 86400 - 1);
    ordered(f, 2, ORDER_CANCELLED, 0, 86400 + 1);
    told(f, 2, 5);
    must_compare(f, ORDER_COMPARED_DIFFERENT, "2: it is cancelled, and 5 units are held for it\n");
}

static void test_a_late_digest_is_dropped(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    f->digest->taken_us = NOW_US - 601 * SECOND_US;
    ordered(f, 1, ORDER_CONFIRMED, 3, 10000);
    must_compare(f, ORDER_COMPARED_LATE, "");
    f->digest->taken_us = NOW_US + 61 * SECOND_US; /* nor is one kept that no other could follow */
    must_compare(f, ORDER_COMPARED_LATE, "");
    g_assert_cmpint(f->store.notes, ==, 0);
}

static void test_nothing_is_over_that_was_not_looked_at(Fixture *f,
                                                        gconstpointer unused G_GNUC_UNUSED)
{
    f->digest->settled_us = NOW_US + 86400 * SECOND_US;
    ordered(f, 1, ORDER_CONFIRMED, 3, -1);
    must_compare(f, ORDER_COMPARED_EQUAL, "1: open\n");
}

/* 200 orders that are expected there, of which some changed @ago_s before. */
static void expect_many(Fixture *f, int64_t ago_s)
{
    for (uint8_t number = 1; number <= 200; number++)
        ordered(f, number, ORDER_CONFIRMED, 1, number == 1 ? ago_s : 1000);
}

static void test_too_many_are_one_finding(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    expect_many(f, 1); /* one that is open explains no two hundred */
    must_compare(f, ORDER_COMPARED_DIFFERENT,
                 "255: more of the orders up to this one differ than can be named\n");
}

/* As many there as here, but others: one that is open does not explain them either. */
static void test_too_many_of_other_units_are_one_finding(Fixture *f,
                                                         gconstpointer unused G_GNUC_UNUSED)
{
    for (uint8_t number = 1; number <= 200; number++) {
        ordered(f, number, ORDER_CONFIRMED, 1, number == 1 ? 1 : 1000);
        told(f, number, 2);
    }
    must_compare(f, ORDER_COMPARED_DIFFERENT,
                 "255: more of the orders up to this one differ than can be named\n");
}

static void test_too_many_that_are_open_are_none(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    f->digest->confirmed_through_us = NOW_US - 5000 * SECOND_US;
    expect_many(f, 1);
    must_compare(f, ORDER_COMPARED_OPEN, "");
    g_assert_cmpint(f->store.notes, ==, 0); /* and what was found before stays */
}

#define ADD(name, test) g_test_add("/compare/" name, Fixture, NULL, set_up, test, tear_down)

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("equal", test_what_agrees_is_equal);
    ADD("stock", test_stock_that_differs_is_named);
    ADD("units", test_other_units_are_one_difference);
    ADD("notifications", test_notifications_that_differ_are_named);
    ADD("open", test_what_is_not_over_is_open);
    ADD("a-day", test_what_has_not_come_in_a_day_is_missing);
    ADD("late", test_a_late_digest_is_dropped);
    ADD("too-many", test_too_many_are_one_finding);
    ADD("not-yet", test_nothing_is_over_that_was_not_looked_at);
    ADD("too-many-others", test_too_many_of_other_units_are_one_finding);
    ADD("too-many-open", test_too_many_that_are_open_are_none);
    return g_test_run();
}
