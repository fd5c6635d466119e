/* What the tests of subscriptions begin with. */
#include "subscription_fixture.h"

#include "chassis/core/log.h"
#include "chassis/json/json_read.h"

#include <fcntl.h>
#include <string.h>

/* Parameters of the insert into the outbox. */
enum {
    OUTBOX_ROUTING_KEY = 3,
    OUTBOX_REASON = 9,
};

/* ---- the service ---- */

static const ChCommandType number_type = { "number", g_free };

static ChCommand decode(const ChEvent *event, ChViolations *violations)
{
    int64_t number;
    if (!ch_json_read_integer(event->data, "Number", CH_JSON_REQUIRED, 1, 9, &number, violations))
        return (ChCommand){ NULL, NULL };
    return (ChCommand){ &number_type, g_memdup2(&number, sizeof number) };
}

static bool succeed(const SubscriptionService *service, GError **error)
{
    if (service->fails)
        g_set_error(error, CH_ERROR, CH_ERROR_FAILED, "the service fails");
    return !service->fails;
}

static bool handle(void *context, const ChCommand *commands, size_t n, GError **error)
{
    SubscriptionService *service = context;
    g_autofree const int64_t **numbers = ch_commands_values(commands, n, &number_type);
    for (size_t i = 0; i < n; i++)
        g_string_append_printf(service->handled, "%d ", (int)*numbers[i]);
    return succeed(service, error);
}

static bool give_up(void *context, const ChEvent *event, bool *announced, GError **error)
{
    SubscriptionService *service = context;
    g_assert_false(ch_uuid_is_nil(event->id));
    service->given_up++;
    *announced = service->announces;
    return succeed(service, error);
}

static const ChQueue queue = { "a.queue", "events", "Good", "a.dlx" };

void subscription_set_up(SubscriptionFixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    f->pg = fake_pg_new();
    f->consumer = fake_consumer_new();
    f->service.handled = g_string_new(NULL);
    const ChSubscriptionConfig config = {
        .queue = &queue,
        .event_type = "Good",
        .decode = decode,
        .handle = handle,
        .give_up = give_up,
        .context = &f->service,
    };
    f->subscription = ch_subscription_new(&config, f->pg, f->consumer);
    f->source = ch_subscription_source(f->subscription);
}

void subscription_tear_down(SubscriptionFixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    g_clear_error(&f->error);
    ch_subscription_free(f->subscription);
    g_string_free(f->service.handled, TRUE);
    fake_consumer_free(f->consumer);
    fake_pg_free(f->pg);
}

/* ---- deliveries ---- */

ChDelivery delivery_of(const char *body)
{
    return (ChDelivery){ .body = (uint8_t *)body, .body_bytes = strlen(body) };
}

const char *good(unsigned number)
{
    g_autofree char *body =
        g_strdup_printf("{\"EventId\":\"" EVENT_ID "%u\",\"EventType\":\"Good\","
                        "\"Data\":{\"Number\":%u}}",
                        number, number);
    return g_intern_string(body);
}

void put(SubscriptionFixture *f, const char *body, int retry_count)
{
    ChDelivery delivery = delivery_of(body);
    delivery.retry_count = retry_count;
    fake_consumer_put(f->consumer, &delivery);
}

void put_too_large(SubscriptionFixture *f)
{
    g_autofree uint8_t *body = g_malloc0(CH_EVENT_MAX_BYTES + 1);
    const ChDelivery delivery = { .body = body, .body_bytes = CH_EVENT_MAX_BYTES + 1 };
    fake_consumer_put(f->consumer, &delivery);
}

/* ---- the lane's steps ---- */

void must_take(SubscriptionFixture *f)
{
    g_assert_true(f->source->ops->take(f->source, f->items, MAX_ITEMS, 0, &f->n, &f->error));
}

bool run(SubscriptionFixture *f)
{
    return ch_subscription_run(f->subscription, f->items, f->n, &f->error);
}

void must_settle(SubscriptionFixture *f)
{
    g_assert_true(ch_pg_commit(f->pg, &f->error));
    f->source->ops->settle(f->source, f->items, f->n);
}

void must_process(SubscriptionFixture *f)
{
    must_take(f);
    g_assert_true(run(f));
    must_settle(f);
}

void assert_sent(SubscriptionFixture *f, const char *statements)
{
    g_assert_cmpstr(fake_pg_sent(f->pg), ==, statements);
}

void assert_journal(SubscriptionFixture *f, const char *journal)
{
    g_assert_cmpstr(fake_consumer_journal(f->consumer), ==, journal);
}

void assert_sent_on(SubscriptionFixture *f, const char *routing_key, const char *reason)
{
    g_assert_cmpstr(fake_pg_param(f->pg, OUTBOX, OUTBOX_ROUTING_KEY), ==, routing_key);
    g_assert_nonnull(strstr(fake_pg_param(f->pg, OUTBOX, OUTBOX_REASON), reason));
}

void be_quiet(void)
{
    ch_log_set_output(open("/dev/null", O_WRONLY | O_CLOEXEC));
}
