/* What is made of a customer service's answer: each field for itself. */
#include "notification/infrastructure/customer_json.h"

#include <glib.h>
#include <string.h>

typedef struct {
    const char *json;
    const char *name, *email, *phone, *language;
} Case;

#define WHOLE "\"email\": \"ada@example.org\", \"phone\": \"+491701234567\", \"language\": \"de\""

/* An odd name costs nothing else; an odd address neither; and so on. */
static const Case cases[] = {
    { "{\"fullName\": \"Ada Lovelace\", " WHOLE "}", "Ada Lovelace", "ada@example.org",
      "+491701234567", "de" },
    { "{\"fullName\": \"Anna\\tMaier\", " WHOLE "}", "Anna Maier", "ada@example.org",
      "+491701234567", "de" },
    { "{\"fullName\": \" \\r\\n Anna \\u2028  Maier \\u0001\", " WHOLE "}", "Anna Maier",
      "ada@example.org", "+491701234567", "de" },
    { "{\"fullName\": null, " WHOLE "}", NULL, "ada@example.org", "+491701234567", "de" },
    { "{\"fullName\": \"\", " WHOLE "}", NULL, "ada@example.org", "+491701234567", "de" },
    { "{\"fullName\": \" \\t \", " WHOLE "}", NULL, "ada@example.org", "+491701234567", "de" },
    { "{\"fullName\": [7], " WHOLE "}", NULL, "ada@example.org", "+491701234567", "de" },
    { "{\"fullName\": \"Ada\", \"phone\": \"+491701234567\", \"language\": \"de\"}", "Ada", NULL,
      "+491701234567", "de" },
    { "{\"fullName\": \"Ada\", \"email\": 7, \"phone\": \"+491701234567\"}", "Ada", NULL,
      "+491701234567", NULL },
    { "{\"fullName\": \"Ada\", \"email\": \" ada@example.org \"}", "Ada", "ada@example.org", NULL,
      NULL },
    { "{\"fullName\": \"Ada\", \"email\": \"ada@m\\u00fcller.example\"}", "Ada",
      "ada@xn--mller-kva.example", NULL, NULL },
    { "{\"fullName\": \"Ada\", \"email\": \"ada..l.@docomo.ne.jp\"}", "Ada", "ada..l.@docomo.ne.jp",
      NULL, NULL },
    { "{\"fullName\": \"Eve\", \"email\": \"a@b.c\\r\\nBcc: all@example.com\"}", "Eve", NULL, NULL,
      NULL },
    { "{\"phone\": \"+49 (170) 123-45.67\"}", NULL, NULL, "+491701234567", NULL },
    { "{\"phone\": \" 0170\\u00a0123\\u20114567 \"}", NULL, NULL, "01701234567", NULL },
    { "{\"phone\": \"call me\"}", NULL, NULL, NULL, NULL },
    { "{\"phone\": \"1234\"}", NULL, NULL, NULL, NULL },
    { "{\"phone\": \"+49+170123456\"}", NULL, NULL, NULL, NULL },
    { "{\"language\": \" de_AT \"}", NULL, NULL, NULL, "de-AT" },
    { "{\"language\": \"deutsch, bitte\"}", NULL, NULL, NULL, NULL },
    { "{\"language\": \"abcdefghi-abcdefghi-abcdefghi-abcdefg\"}", NULL, NULL, NULL, NULL },
    { "{}", NULL, NULL, NULL, NULL },
};

static void test_fields(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        NotificationCustomer customer = { 0 };
        g_test_message("%s", cases[i].json);
        g_assert_true(
            notification_customer_from_json(cases[i].json, strlen(cases[i].json), &customer));
        g_assert_cmpint(customer.answer, ==, NOTIFICATION_CUSTOMER_ANSWERED);
        g_assert_cmpstr(customer.name, ==, cases[i].name);
        g_assert_cmpstr(customer.email, ==, cases[i].email);
        g_assert_cmpstr(customer.phone, ==, cases[i].phone);
        g_assert_cmpstr(customer.language, ==, cases[i].language);
        g_assert_true((customer.why == NULL) == (customer.email != NULL));
        notification_customer_clear(&customer);
    }
}

static void test_a_long_name_is_cut(void)
{
    g_autofree char *name = g_strnfill(201, 'x');
    g_autofree char *json = g_strdup_printf("{\"fullName\": \"%s\", " WHOLE "}", name);
    NotificationCustomer customer = { 0 };
    g_assert_true(notification_customer_from_json(json, strlen(json), &customer));
    g_assert_cmpuint(strlen(customer.name), ==, 200);
    g_assert_cmpstr(customer.email, ==, "ada@example.org");
    notification_customer_clear(&customer);
}

static void test_why_there_is_no_address(void)
{
    static const char *const answers[][2] = {
        { "{\"fullName\": \"Ada\"}",
          "the customer service knows no e-mail address of the customer" },
        { "{\"email\": \"nonsense\"}",
          "the e-mail address that the customer service has cannot be used" },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(answers); i++) {
        NotificationCustomer customer = { 0 };
        g_assert_true(
            notification_customer_from_json(answers[i][0], strlen(answers[i][0]), &customer));
        g_assert_cmpstr(customer.why, ==, answers[i][1]);
        notification_customer_clear(&customer);
    }
}

static void test_what_is_no_customer(void)
{
    static const char *const answers[] = { "", "[1, 2]", "\"text\"", "null", "{", "<html>" };
    for (size_t i = 0; i < G_N_ELEMENTS(answers); i++) {
        NotificationCustomer customer = { 0 };
        g_assert_false(notification_customer_from_json(answers[i], strlen(answers[i]), &customer));
        g_assert_cmpint(customer.answer, ==, NOTIFICATION_CUSTOMER_UNREACHABLE);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/customer-json/each-field-for-itself", test_fields);
    g_test_add_func("/customer-json/a-long-name-is-cut", test_a_long_name_is_cut);
    g_test_add_func("/customer-json/why-there-is-no-address", test_why_there_is_no_address);
    g_test_add_func("/customer-json/what-is-no-customer", test_what_is_no_customer);
    return g_test_run();
}
