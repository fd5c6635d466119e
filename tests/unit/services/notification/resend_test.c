/* Which notifications may be sent again, with a fake at the port. */
#include "notification/application/resend.h"

#include "chassis/core/cast.h"

#include <glib.h>

typedef struct {
    NotificationResendStore base;
    NotificationSendable row;
    bool is_there;
    bool fails; /* to lock */
    bool fails_to_send;
    unsigned sent;
    ChUuid message_id; /* of the last */
} FakeStore;

static const NotificationResendStoreOps fake_ops;

static bool refuse(GError **error)
{
    g_set_error_literal(error, CH_ERROR, CH_ERROR_UNAVAILABLE, "away");
    return false;
}

static bool lock(NotificationResendStore *self, ChUuid id G_GNUC_UNUSED,
                 NotificationSendable *sendable, bool *found, GError **error)
{
    FakeStore *store = CH_CAST(FakeStore, self, &fake_ops);
    if (store->fails)
        return refuse(error);
    *found = store->is_there;
    *sendable = store->row;
    return true;
}

static bool send_again(NotificationResendStore *self, ChUuid id G_GNUC_UNUSED, ChUuid message_id,
                       GError **error)
{
    FakeStore *store = CH_CAST(FakeStore, self, &fake_ops);
    if (store->fails_to_send)
        return refuse(error);
    store->row.status = NOTIFICATION_PENDING;
    store->row.is_resent = true;
    store->message_id = message_id;
    store->sent++;
    return true;
}

static const NotificationResendStoreOps fake_ops = { .lock = lock, .send_again = send_again };

static FakeStore fake_of(NotificationStatus status)
{
    return (FakeStore){ .base = { &fake_ops },
                        .row = { .status = status, .attempts = 5 },
                        .is_there = true };
}

static NotificationResendOutcome must_resend(FakeStore *store)
{
    NotificationResendOutcome outcome;
    g_autoptr(GError) error = NULL;
    g_assert_true(notification_resend(&store->base, ch_uuid_new(), &outcome, &error));
    g_assert_no_error(error);
    return outcome;
}

static void test_what_is_over_is_sent_again_once(void)
{
    static const NotificationStatus over[] = { NOTIFICATION_SENT, NOTIFICATION_FAILED };
    for (size_t i = 0; i < G_N_ELEMENTS(over); i++) {
        FakeStore store = fake_of(over[i]);
        NotificationResendOutcome outcome = must_resend(&store);
        g_assert_cmpint(outcome.result, ==, NOTIFICATION_RESEND_DONE);
        g_assert_cmpint(outcome.was.status, ==, over[i]);
        g_assert_cmpint(outcome.was.attempts, ==, 5);
        g_assert_cmpint(must_resend(&store).result, ==, NOTIFICATION_RESEND_ALREADY);
        store.row.status = NOTIFICATION_SENDING;
        g_assert_cmpint(must_resend(&store).result, ==, NOTIFICATION_RESEND_ALREADY);
        g_assert_cmpuint(store.sent, ==, 1);
    }
}

static void test_each_sending_has_an_id_of_its_own(void)
{
    FakeStore store = fake_of(NOTIFICATION_SENT);
    must_resend(&store);
    ChUuid first = store.message_id;
    store.row.status = NOTIFICATION_SENT;
    must_resend(&store);
    g_assert_cmpuint(store.sent, ==, 2);
    g_assert_false(ch_uuid_is_nil(first));
    g_assert_false(ch_uuid_equal(first, store.message_id));
}

static void test_what_is_being_sent_or_erased_or_unknown_is_refused(void)
{
    FakeStore unsent = fake_of(NOTIFICATION_PENDING);
    FakeStore sending = fake_of(NOTIFICATION_SENDING);
    FakeStore erased = fake_of(NOTIFICATION_SENT);
    FakeStore erased_while_resent = fake_of(NOTIFICATION_FAILED);
    FakeStore unknown = fake_of(NOTIFICATION_SENT);
    erased.row.is_emptied = true;
    erased_while_resent.row.is_emptied = erased_while_resent.row.is_resent = true;
    unknown.is_there = false;
    g_assert_cmpint(must_resend(&unsent).result, ==, NOTIFICATION_RESEND_UNSENT);
    g_assert_cmpint(must_resend(&sending).result, ==, NOTIFICATION_RESEND_UNSENT);
    g_assert_cmpint(must_resend(&erased).result, ==, NOTIFICATION_RESEND_ERASED);
    g_assert_cmpint(must_resend(&erased_while_resent).result, ==, NOTIFICATION_RESEND_ERASED);
    g_assert_cmpint(must_resend(&unknown).result, ==, NOTIFICATION_RESEND_UNKNOWN);
    g_assert_cmpuint(unsent.sent + sending.sent + erased.sent + unknown.sent, ==, 0);
}

static void test_failures_pass_through(void)
{
    FakeStore store = fake_of(NOTIFICATION_SENT);
    NotificationResendOutcome outcome;
    for (int i = 0; i < 2; i++) {
        g_autoptr(GError) error = NULL;
        store.fails = i == 0;
        store.fails_to_send = i == 1;
        g_assert_false(notification_resend(&store.base, ch_uuid_new(), &outcome, &error));
        g_assert_error(error, CH_ERROR, CH_ERROR_UNAVAILABLE);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/notification/resend/what-is-over-is-sent-again-once",
                    test_what_is_over_is_sent_again_once);
    g_test_add_func("/notification/resend/each-sending-has-an-id-of-its-own",
                    test_each_sending_has_an_id_of_its_own);
    g_test_add_func("/notification/resend/what-is-being-sent-or-erased-or-unknown-is-refused",
                    test_what_is_being_sent_or_erased_or_unknown_is_refused);
    g_test_add_func("/notification/resend/failures-pass-through", test_failures_pass_through);
    return g_test_run();
}
