/* What is shown to who may not see customers' data. */
#include "notification/application/masking.h"

#include <glib.h>

static void assert_masked(const char *destination, const char *expected)
{
    g_autofree char *masked = notification_mask_destination(destination);
    g_assert_cmpstr(masked, ==, expected);
}

static void test_addresses_keep_a_letter_and_their_domain(void)
{
    assert_masked("jane.doe@example.org", "j***@example.org");
    assert_masked("j@example.org", "j***@example.org");
    assert_masked("\xc3\xb6zg\xc3\xbcr@example.org", "\xc3\xb6***@example.org");
    assert_masked("\"a@b\"@example.org", "\"***@example.org");
    assert_masked("@example.org", "***@example.org");
}

static void test_numbers_keep_two_digits(void)
{
    assert_masked("+436601234567", "***67");
    assert_masked("112", "***2");
    assert_masked("12", "***");
    assert_masked("", "***");
}

static void test_quoted_addresses_are_left_out(void)
{
    g_autofree char *text =
        notification_without_addresses("550 5.1.1 <jane@example.org>: no such user");
    g_assert_cmpstr(text, ==, "550 5.1.1 *** no such user");
    g_assert_null(notification_without_addresses(NULL));
}

static void test_a_masked_entry_keeps_the_facts(void)
{
    NotificationEntry *entry = g_new0(NotificationEntry, 1);
    entry->code = NOTIFICATION_ORDER_CANCELLED;
    entry->destination = g_strdup("jane@example.org");
    entry->subject = g_strdup("Your order");
    entry->body = g_strdup("Dear Jane");
    entry->error = g_strdup("refused: jane@example.org");
    entry->customer_source = g_strdup("service");
    notification_values_set(&entry->values, entry->code, "OrderId", "42");
    notification_values_set(&entry->values, entry->code, "Reason", "I moved to Graz");
    notification_values_set(&entry->values, entry->code, "CustomerName", "Jane");
    notification_entry_mask(entry);
    g_assert_cmpstr(entry->destination, ==, "j***@example.org");
    g_assert_null(entry->subject);
    g_assert_null(entry->body);
    g_assert_cmpstr(entry->error, ==, "refused: ***");
    g_assert_cmpstr(entry->customer_source, ==, "service");
    g_assert_cmpstr(notification_values_find(&entry->values, entry->code, "OrderId"), ==, "42");
    g_assert_null(notification_values_find(&entry->values, entry->code, "Reason"));
    g_assert_null(notification_values_find(&entry->values, entry->code, "CustomerName"));
    notification_entry_free(entry);
}

static void test_a_pending_entry_has_nothing_to_mask(void)
{
    NotificationEntry *entry = g_new0(NotificationEntry, 1);
    entry->code = NOTIFICATION_CODES_N;
    notification_entry_mask(entry);
    g_assert_null(entry->destination);
    g_assert_null(entry->error);
    notification_entry_free(entry);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/notification/masking/addresses-keep-a-letter-and-their-domain",
                    test_addresses_keep_a_letter_and_their_domain);
    g_test_add_func("/notification/masking/numbers-keep-two-digits", test_numbers_keep_two_digits);
    g_test_add_func("/notification/masking/quoted-addresses-are-left-out",
                    test_quoted_addresses_are_left_out);
    g_test_add_func("/notification/masking/a-masked-entry-keeps-the-facts",
                    test_a_masked_entry_keeps_the_facts);
    g_test_add_func("/notification/masking/a-pending-entry-has-nothing-to-mask",
                    test_a_pending_entry_has_nothing_to_mask);
    return g_test_run();
}
