/* A delivery with fakes at every port, for the tests of delivering. */
#pragma once

#include "fakes.h"
#include "notification/application/deliver.h"

#include <glib.h>

enum {
    CUSTOMER_WAIT_MS = 3600 * 1000
};

typedef struct {
    FakeStore store;
    FakeTemplates templates;
    FakeCustomers customers;
    FakeChannel email, sms;
    NotificationGateways gateways;
    NotificationDelivery *deliveries[FAKE_MAX];
    size_t n;
} DeliverFixture;

void deliver_set_up(DeliverFixture *f, gconstpointer unused);
void deliver_tear_down(DeliverFixture *f, gconstpointer unused);

/** Makes numbers 1 to @n due and claims them. */
void must_claim(DeliverFixture *f, int n, int64_t attempt);

/** Claims one and sends it. */
const NotificationDelivery *must_send_one(DeliverFixture *f, int64_t attempt);

/** Standard output belongs to the test's own protocol: what is logged goes nowhere. */
void be_quiet(void);

#define ADD_DELIVER(name, function)                                                                \
    g_test_add("/notification/" name, DeliverFixture, NULL, deliver_set_up, function,              \
               deliver_tear_down)
