/* What is logged of a delivery. */
#include "chassis/core/log.h"
#include "deliver_fixture.h"

#include <string.h>
#include <unistd.h>

static char *logged(DeliverFixture *f)
{
    char path[] = "/tmp/deliver_test_XXXXXX";
    int fd = g_mkstemp(path);
    g_assert_cmpint(fd, >=, 0);
    ch_log_set_output(fd);
    notification_log_results(f->deliveries, f->n);
    be_quiet();
    char *text = NULL;
    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    close(fd);
    unlink(path);
    return text;
}

static void test_the_log_names_the_order_and_no_address(DeliverFixture *f,
                                                        gconstpointer unused G_GNUC_UNUSED)
{
    f->email.verdict = NOTIFICATION_REFUSED;
    f->email.why = "550 <ada@example.org> is unknown";
    must_send_one(f, 1);
    g_autofree char *text = logged(f);
    char id[CH_UUID_TEXT_BYTES];
    ch_uuid_format(f->deliveries[0]->order_id, id);
    g_assert_nonnull(strstr(text, id));
    g_assert_nonnull(strstr(text, "\"notification failed\""));
    g_assert_nonnull(strstr(text, "550 *** is unknown"));
    g_assert_null(strstr(text, "ada@"));
}

static void test_the_log_tells_where_the_data_came_from(DeliverFixture *f,
                                                        gconstpointer unused G_GNUC_UNUSED)
{
    f->gateways.may_make_up = true;
    f->customers.email = NULL;
    must_send_one(f, 1);
    g_autofree char *text = logged(f);
    g_assert_nonnull(strstr(text, "\"notification sent\""));
    g_assert_nonnull(strstr(text, "\"customer_source\":\"fallback\""));
    g_assert_nonnull(strstr(text, "\"trace_id\""));
    g_assert_null(strstr(text, "@"));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ch_log_init("deliver-test", CH_LOG_INFO);
    be_quiet();
    ADD_DELIVER("deliver/the-log-names-the-order-and-no-address",
                test_the_log_names_the_order_and_no_address);
    ADD_DELIVER("deliver/the-log-tells-where-the-data-came-from",
                test_the_log_tells_where_the_data_came_from);
    return g_test_run();
}
