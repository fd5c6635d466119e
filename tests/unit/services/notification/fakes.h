/* Fakes of the notification service's ports. */
#pragma once

#include "notification/application/ports.h"

enum {
    FAKE_MAX = 32
};

typedef struct {
    NotificationStore base; /* first: the cast back is valid */
    GPtrArray *due;         /* NotificationDelivery *, owned until claimed */
    size_t inserted;
    const NotificationEvent *const *events; /* of the last insert */
    ChUuid noted_event;                     /* the one that has a notification; nil: none */
    _Atomic size_t recorded;                /* deliveries, all calls together */
    size_t recorded_failed;                 /* those of them that were refused */
    GError *fault;                          /* the next call fails with it; owned */
    GError *record_fault;                   /* the next record fails with it; owned */
    const char *refused_body;               /* a record that holds it is refused; NULL: none */
} FakeStore;

typedef struct {
    NotificationTemplateReads base; /* only list_active works */
    GPtrArray *active;              /* NotificationTemplate * */
    GError *fault;
} FakeTemplates;

typedef struct {
    NotificationCustomers base;
    NotificationCustomerAnswer answer; /* about everybody, as all below */
    const char *name, *email, *phone, *language;
    const char *why; /* there is no address */
    int64_t retry_after_ms;
    size_t asked; /* ids, all calls together */
    size_t calls;
} FakeCustomers;

typedef struct {
    NotificationChannel base;
    NotificationVerdict verdict; /* of everything sent */
    const char *why;
    int64_t retry_after_ms;
    size_t sent;
    char *to, *subject, *body; /* of the last one */
    ChUuid message_id;
} FakeChannel;

void fake_store_init(FakeStore *store);
void fake_store_clear(FakeStore *store);
void fake_templates_init(FakeTemplates *templates);
void fake_templates_clear(FakeTemplates *templates);
void fake_customers_init(FakeCustomers *customers);
void fake_channel_init(FakeChannel *channel);
void fake_channel_clear(FakeChannel *channel);

/** Adds an active template. */
void fake_templates_add(FakeTemplates *templates, NotificationCode code,
                        NotificationChannelKind channel, const char *language, const char *subject,
                        const char *body);

/** A due notification of a confirmed order, claimed as @attempt; ids derive from @number. */
NotificationDelivery *fake_delivery(int number, int64_t attempt);
