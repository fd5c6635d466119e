/* The language of templates: what is accepted, what it becomes, and where its faults are. */
#include "notification/application/template_text.h"

#include "chassis/json/json_writer.h"

#include <string.h>

/* Values own their texts; those here are constants that nobody frees. */
#define T(text) ((char *)(text))

static const NotificationValues values = { { T("N-1"), T("12.5"), T("EUR"), T("Zo\u00eb") } };

static char *must_render(const char *text, const NotificationValues *with)
{
    g_autoptr(GError) error = NULL;
    char *rendered = notification_text_render(text, NOTIFICATION_ORDER_CONFIRMED, with, &error);
    g_assert_no_error(error);
    g_assert_nonnull(rendered);
    return rendered;
}

/* All violations as one line. Free with g_free(). */
static char *faults_of(const char *text, NotificationCode code)
{
    g_autoptr(ChViolations) violations = ch_violations_new();
    notification_text_check(text, code, "body", violations);
    return ch_violations_text(violations);
}

static void test_renders(void)
{
    static const struct {
        const char *text, *rendered;
    } cases[] = {
        { "", "" },
        { "plain", "plain" },
        { "{OrderNumber}", "N-1" },
        { "{OrderNumber}{Currency}", "N-1EUR" },
        { "a {OrderTotal} b", "a 12.5 b" },
        { "{{", "{" },
        { "}}", "}" },
        { "{{}}", "{}" },
        { "{{OrderNumber}}", "{OrderNumber}" },
        { "{{{OrderNumber}}}", "{N-1}" },
        { "{{{{OrderNumber}}}}", "{{OrderNumber}}" },
        { "{{{OrderNumber}", "{N-1" },
        { "{OrderNumber}}}", "N-1}" },
        { "D\u00e9j\u00e0 {CustomerName}\r\n\u65e5\u672c",
          "D\u00e9j\u00e0 Zo\u00eb\r\n\u65e5\u672c" },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *rendered = must_render(cases[i].text, &values);
        g_assert_cmpstr(rendered, ==, cases[i].rendered);
        g_autofree char *faults = faults_of(cases[i].text, NOTIFICATION_ORDER_CONFIRMED);
        g_assert_cmpstr(faults, ==, "");
    }
}

static void test_values_are_not_read_again(void)
{
    const NotificationValues tricky = { { T("{Currency}"), T("}}"), T("{{"), T("%s {") } };
    g_autofree char *rendered =
        must_render("{OrderNumber}|{OrderTotal}|{Currency}|{CustomerName}", &tricky);
    g_assert_cmpstr(rendered, ==, "{Currency}|}}|{{|%s {");
}

static void test_an_unknown_value_stays_as_it_is(void)
{
    const NotificationValues some = { { T("N-1") } };
    g_autofree char *rendered = must_render("{OrderNumber} {OrderTotal}", &some);
    g_assert_cmpstr(rendered, ==, "N-1 {OrderTotal}");
}

static void test_faults_have_their_place(void)
{
    static const struct {
        const char *text, *place;
    } cases[] = {
        { "{", "line 1, column 1" },
        { "}", "line 1, column 1" },
        { "Order {OrderNumber", "line 1, column 7" },
        { "Order OrderNumber}", "line 1, column 18" },
        { "a {} b", "line 1, column 3" },
        { "a {{b} c", "line 1, column 6" },
        { "{Order Number}", "line 1, column 1" },
        { "{OrderNumber }", "line 1, column 1" },
        { "{Order-Number}", "line 1, column 1" },
        { "{{{", "line 1, column 3" },
        { "}}}", "line 1, column 3" },
        { "{OrderNumber}}", "line 1, column 14" },
        { "one\ntwo\n  {", "line 3, column 3" },
        { "\u65e5\u672c{", "line 1, column 3" },
        { "{a{OrderNumber}", "line 1, column 1" },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *faults = faults_of(cases[i].text, NOTIFICATION_ORDER_CONFIRMED);
        g_test_message("%s: %s", cases[i].text, faults);
        g_autofree char *expected = g_strconcat("body ", cases[i].place, ": ", NULL);
        g_assert_true(g_str_has_prefix(faults, expected));
        g_assert_null(strstr(faults, "; body")); /* one fault, not two */
        g_autoptr(GError) error = NULL;
        char *rendered =
            notification_text_render(cases[i].text, NOTIFICATION_ORDER_CONFIRMED, &values, &error);
        g_assert_null(rendered);
        g_assert_error(error, CH_ERROR, CH_ERROR_FAILED);
        g_assert_true(g_str_has_prefix(error->message, cases[i].place));
    }
}

static void test_every_fault_is_named(void)
{
    g_autofree char *faults = faults_of("{Reason} {} {Nope}", NOTIFICATION_ORDER_CONFIRMED);
    g_assert_nonnull(
        strstr(faults, "line 1, column 1: ORDER_CONFIRMED has no placeholder {Reason}"));
    g_assert_nonnull(strstr(faults, "line 1, column 10: "));
    g_assert_nonnull(
        strstr(faults, "line 1, column 13: ORDER_CONFIRMED has no placeholder {Nope}"));
}

static void test_placeholders_belong_to_their_code(void)
{
    g_autofree char *right = faults_of("{OrderId} {Reason}", NOTIFICATION_ORDER_CANCELLED);
    g_assert_cmpstr(right, ==, "");
    g_autofree char *wrong = faults_of("{OrderNumber}", NOTIFICATION_ORDER_CANCELLED);
    g_assert_nonnull(strstr(wrong, "{OrderId}, {Reason}, {CustomerName}"));
    g_autofree char *case_matters = faults_of("{orderid}", NOTIFICATION_ORDER_CANCELLED);
    g_assert_cmpstr(case_matters, !=, "");
    g_autofree char *any = faults_of("{Whatever}", NOTIFICATION_CODES_N);
    g_assert_cmpstr(any, ==, "");
    g_autofree char *still = faults_of("{Whatever", NOTIFICATION_CODES_N);
    g_assert_cmpstr(still, !=, "");
}

static void test_missing_values_are_told(void)
{
    char number[] = "7";
    const NotificationValues some = { { number } };
    bool missing[NOTIFICATION_MAX_PLACEHOLDERS] = { false };
    notification_text_missing("{OrderNumber} {{Currency}}", NOTIFICATION_ORDER_CONFIRMED, &some,
                              missing);
    for (size_t i = 0; i < NOTIFICATION_MAX_PLACEHOLDERS; i++)
        g_assert_false(missing[i]);
    notification_text_missing("{CustomerName}, {OrderNumber}: {OrderTotal} {OrderTotal}",
                              NOTIFICATION_ORDER_CONFIRMED, &some, missing);
    g_assert_true(!missing[0] && missing[1] && !missing[2] && missing[3]);
}

static void test_the_result_is_bounded(void)
{
    g_autofree char *big = g_strnfill(NOTIFICATION_MAX_VALUE_CHARS, 'x');
    const NotificationValues long_value = { { big } };
    g_autoptr(GString) text = g_string_new(NULL);
    while (text->len < NOTIFICATION_MAX_BODY_CHARS)
        g_string_append(text, "{OrderNumber}");
    g_autoptr(GError) error = NULL;
    char *rendered =
        notification_text_render(text->str, NOTIFICATION_ORDER_CONFIRMED, &long_value, &error);
    g_assert_null(rendered);
    g_assert_error(error, CH_ERROR, CH_ERROR_FAILED);
}

static void test_values_are_cut(void)
{
    NotificationValues cut = { { NULL } };
    g_autoptr(GString) text = g_string_new(NULL);
    for (int i = 0; i < NOTIFICATION_MAX_VALUE_CHARS + 1; i++)
        g_string_append(text, "\u00e9");
    notification_values_set(&cut, NOTIFICATION_ORDER_CANCELLED, "Reason", text->str);
    notification_values_set(&cut, NOTIFICATION_ORDER_CANCELLED, "OrderTotal", "not of this code");
    g_assert_cmpint(g_utf8_strlen(cut.text[1], -1), ==, NOTIFICATION_MAX_VALUE_CHARS);
    g_assert_true(g_utf8_validate(cut.text[1], -1, NULL));
    g_assert_null(cut.text[0]);
    g_assert_null(cut.text[2]);
    notification_values_clear(&cut);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/notification/template-text/renders", test_renders);
    g_test_add_func("/notification/template-text/values-are-not-read-again",
                    test_values_are_not_read_again);
    g_test_add_func("/notification/template-text/an-unknown-value-stays-as-it-is",
                    test_an_unknown_value_stays_as_it_is);
    g_test_add_func("/notification/template-text/faults-have-their-place",
                    test_faults_have_their_place);
    g_test_add_func("/notification/template-text/every-fault-is-named", test_every_fault_is_named);
    g_test_add_func("/notification/template-text/placeholders-belong-to-their-code",
                    test_placeholders_belong_to_their_code);
    g_test_add_func("/notification/template-text/missing-values-are-told",
                    test_missing_values_are_told);
    g_test_add_func("/notification/template-text/the-result-is-bounded",
                    test_the_result_is_bounded);
    g_test_add_func("/notification/template-text/values-are-cut", test_values_are_cut);
    return g_test_run();
}
