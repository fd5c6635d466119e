/* The rules of templates: what may be stored, which one is chosen, what a subject becomes. */
#include "notification/application/templates.h"

#include <string.h>

static NotificationTemplate email(const char *language, const char *subject, const char *body)
{
    return (NotificationTemplate){
        .code = NOTIFICATION_ORDER_CANCELLED,
        .channel = NOTIFICATION_EMAIL,
        .language = (char *)language,
        .subject = (char *)subject,
        .body = (char *)body,
        .is_active = true,
    };
}

static char *faults_of(const NotificationTemplate *template)
{
    g_autoptr(ChViolations) violations = ch_violations_new();
    notification_template_check(template, violations);
    return ch_violations_text(violations);
}

static void test_a_good_one_has_no_faults(void)
{
    static const char *const languages[] = { "en", "de-at", "zh-hans-cn", "es-419" };
    for (size_t i = 0; i < G_N_ELEMENTS(languages); i++) {
        const NotificationTemplate template = email(languages[i], "S {OrderId}", "B {Reason}\n");
        g_autofree char *faults = faults_of(&template);
        g_assert_cmpstr(faults, ==, "");
    }
}

static void test_bad_languages(void)
{
    static const char *const languages[] = { "",   "e",     "1en",   "en-",
                                             "EN", "en_us", "en us", "d\u00e9" };
    for (size_t i = 0; i < G_N_ELEMENTS(languages); i++) {
        const NotificationTemplate template = email(languages[i], "s", "b");
        g_autofree char *faults = faults_of(&template);
        g_assert_true(g_str_has_prefix(faults, "language "));
    }
}

static void test_a_subject_is_one_line(void)
{
    static const char *const subjects[] = { "a\nb",  "a\rb",     "a\tb",
                                            "a\x7f", "a\u2028b", "a\xc2\x85!" };
    for (size_t i = 0; i < G_N_ELEMENTS(subjects); i++) {
        const NotificationTemplate template = email("en", subjects[i], "b");
        g_autofree char *faults = faults_of(&template);
        g_assert_true(g_str_has_prefix(faults, "subject must be one line"));
    }
}

static void test_an_email_needs_a_subject_and_an_sms_does_not(void)
{
    NotificationTemplate template = email("en", "", "b");
    g_autofree char *of_email = faults_of(&template);
    template.channel = NOTIFICATION_SMS;
    g_autofree char *of_sms = faults_of(&template);
    g_assert_true(g_str_has_prefix(of_email, "subject is required"));
    g_assert_cmpstr(of_sms, ==, "");
}

static void test_all_faults_are_named(void)
{
    const NotificationTemplate template = email("?", "{", "{OrderTotal}");
    g_autofree char *faults = faults_of(&template);
    g_assert_nonnull(strstr(faults, "language "));
    g_assert_nonnull(strstr(faults, "subject line 1, column 1"));
    g_assert_nonnull(strstr(faults, "body line 1, column 1"));
}

static void test_the_language_is_chosen(void)
{
    NotificationTemplate all[] = { email("en", "s", "b"), email("de", "s", "b"),
                                   email("de-at", "s", "b") };
    static const struct {
        const char *asked, *chosen;
    } cases[] = {
        { NULL, "en" },
        { "en", "en" },
        { "de", "de" },
        { "DE", "de" },
        { "fr", "en" },
        { "de-AT", "de-at" },
        { "de-CH", "de" },
        { "de_CH", "de" },
        { "", "en" },
        { "d", "en" },
        { "en-GB-oxendict", "en" },
    };
    g_autoptr(GPtrArray) templates = g_ptr_array_new();
    for (size_t i = 0; i < G_N_ELEMENTS(all); i++)
        g_ptr_array_add(templates, &all[i]);
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        const NotificationTemplate *chosen = notification_template_choose(
            templates, NOTIFICATION_ORDER_CANCELLED, NOTIFICATION_EMAIL, cases[i].asked);
        g_assert_nonnull(chosen);
        g_assert_cmpstr(chosen->language, ==, cases[i].chosen);
    }
    g_assert_null(notification_template_choose(templates, NOTIFICATION_ORDER_CONFIRMED,
                                               NOTIFICATION_EMAIL, "en"));
    g_assert_null(notification_template_choose(templates, NOTIFICATION_ORDER_CANCELLED,
                                               NOTIFICATION_SMS, "en"));
}

static void test_a_value_cannot_end_the_subject(void)
{
    const NotificationTemplate template = email("en", "Why: {Reason}", "{Reason}");
    const NotificationValues values = { { NULL, (char *)"a\r\nBcc: b\u2028c", NULL } };
    g_autofree char *subject = NULL;
    g_autofree char *body = NULL;
    g_autoptr(GError) error = NULL;
    bool ok = notification_template_render(&template, &values, &subject, &body, &error);
    g_assert_no_error(error);
    g_assert_true(ok);
    g_assert_cmpstr(subject, ==, "Why: a  Bcc: b c");
    g_assert_cmpstr(body, ==, "a\r\nBcc: b\u2028c");
}

static void test_a_subject_is_cut_between_characters(void)
{
    NotificationValues values = { { NULL } };
    g_autoptr(GString) reason = g_string_new("x");
    for (int i = 0; i < 1000; i++)
        g_string_append(reason, "\u65e5");
    notification_values_set(&values, NOTIFICATION_ORDER_CANCELLED, "Reason", reason->str);
    const NotificationTemplate template = email("en", "{Reason}", "b");
    g_autofree char *subject = NULL;
    g_autofree char *body = NULL;
    g_assert_true(notification_template_render(&template, &values, &subject, &body, NULL));
    g_assert_cmpuint(strlen(subject), ==, 499); /* 1 + 166 * 3 */
    g_assert_true(g_utf8_validate(subject, -1, NULL));
    notification_values_clear(&values);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/notification/templates/a-good-one-has-no-faults",
                    test_a_good_one_has_no_faults);
    g_test_add_func("/notification/templates/bad-languages", test_bad_languages);
    g_test_add_func("/notification/templates/a-subject-is-one-line", test_a_subject_is_one_line);
    g_test_add_func("/notification/templates/an-email-needs-a-subject-and-an-sms-does-not",
                    test_an_email_needs_a_subject_and_an_sms_does_not);
    g_test_add_func("/notification/templates/all-faults-are-named", test_all_faults_are_named);
    g_test_add_func("/notification/templates/the-language-is-chosen", test_the_language_is_chosen);
    g_test_add_func("/notification/templates/a-value-cannot-end-the-subject",
                    test_a_value_cannot_end_the_subject);
    g_test_add_func("/notification/templates/a-subject-is-cut-between-characters",
                    test_a_subject_is_cut_between_characters);
    return g_test_run();
}
