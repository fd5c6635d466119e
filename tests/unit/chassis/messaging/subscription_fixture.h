/* A subscription between a broker and a database that follow a script, driven as a lane drives it.
 */
#pragma once

#include "chassis/messaging/subscription.h"

#include "fake_broker.h"
#include "fake_postgres.h"

#define INBOX "insert into inbox"
#define OUTBOX "insert into outbox"
#define EVENT_ID "00000000-0000-0000-0000-00000000000"

enum {
    MAX_ITEMS = 16
};

/* What the service behind the subscription does, and what it was asked. */
typedef struct {
    GString *handled; /* the numbers of the commands: "7 8 " */
    int given_up;
    bool announces;
    bool fails; /* with FAILED, whatever it is asked */
} SubscriptionService;

typedef struct {
    ChPg *pg;
    ChConsumer *consumer;
    SubscriptionService service;
    ChSubscription *subscription;
    ChSource *source;
    void *items[MAX_ITEMS];
    size_t n;
    GError *error;
} SubscriptionFixture;

void subscription_set_up(SubscriptionFixture *f, gconstpointer unused);
void subscription_tear_down(SubscriptionFixture *f, gconstpointer unused);

/** Standard output belongs to the test's own protocol: what is logged goes nowhere. */
void be_quiet(void);

/* ---- deliveries ---- */

ChDelivery delivery_of(const char *body);

/** Body of an event whose id and whose number are @number; interned. */
const char *good(unsigned number);

/** To be delivered when the subscription takes. */
void put(SubscriptionFixture *f, const char *body, int retry_count);
void put_too_large(SubscriptionFixture *f);

/* ---- the lane's steps ---- */

void must_take(SubscriptionFixture *f);
bool run(SubscriptionFixture *f);
void must_settle(SubscriptionFixture *f);

/** All that waits, from its delivery to its acknowledgement. */
void must_process(SubscriptionFixture *f);

/* ---- what became of it ---- */

/** The statements that the database got so far, as fake_pg_sent() tells them. */
void assert_sent(SubscriptionFixture *f, const char *statements);

/** What the consumer was asked so far, as fake_consumer_journal() tells it. */
void assert_journal(SubscriptionFixture *f, const char *journal);

/** The outbox got a message for @routing_key, because of @reason. */
void assert_sent_on(SubscriptionFixture *f, const char *routing_key, const char *reason);

#define ADD_SUBSCRIPTION(name, test)                                                               \
    g_test_add("/subscription/" name, SubscriptionFixture, NULL, subscription_set_up, test,        \
               subscription_tear_down)
