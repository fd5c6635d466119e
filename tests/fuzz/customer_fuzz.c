/* What the customer service says of a customer. Input: its answer. */
#include "fuzz.h"

#include "chassis/client/mail_address.h"
#include "notification/application/notifications.h"
#include "notification/infrastructure/customer_json.h"

#include <string.h>

enum {
    MAX_NAME_CHARS = 200,
    MAX_PHONE_DIGITS = 15,
};

/* One line without white space at its ends. */
static void check_name(const char *name)
{
    g_assert_true(fuzz_is_printable(name));
    g_assert_cmpint(g_utf8_strlen(name, -1), <=, MAX_NAME_CHARS);
    g_assert_true(*name != '\0' && *name != ' ');
    g_assert_null(strstr(name, "  "));
}

static void check_phone(const char *phone)
{
    const char *digits = *phone == '+' ? phone + 1 : phone;
    g_assert_cmpuint(strlen(digits), ==, strspn(digits, "0123456789"));
    g_assert_cmpuint(strlen(digits), <=, MAX_PHONE_DIGITS);
}

static void check_language(const char *language)
{
    g_assert_true(g_str_is_ascii(language) && strpbrk(language, "_ ./\"'") == NULL);
    g_assert_cmpuint(strlen(language), <=, NOTIFICATION_MAX_LANGUAGE_CHARS);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    FuzzInput input = { bytes, n };
    g_autofree char *answer = (char *)fuzz_rest(&input, &n);
    NotificationCustomer customer = { 0 };
    if (!notification_customer_from_json(answer, n, &customer)) {
        g_assert_true(customer.name == NULL && customer.email == NULL && customer.why == NULL);
        return 0;
    }
    g_assert_cmpint(customer.answer, ==, NOTIFICATION_CUSTOMER_ANSWERED);
    g_assert_true((customer.email == NULL) == (customer.why != NULL));
    g_assert_true(customer.email == NULL || ch_mail_address_valid(customer.email));
    if (customer.name != NULL)
        check_name(customer.name);
    if (customer.phone != NULL)
        check_phone(customer.phone);
    if (customer.language != NULL)
        check_language(customer.language);
    notification_customer_clear(&customer);
    return 0;
}
