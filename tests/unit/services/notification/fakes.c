/* What the fakes do. */
#include "fakes.h"

#include "chassis/core/time.h"

static bool take_fault(GError **fault, GError **error)
{
    if (*fault == NULL)
        return false;
    g_propagate_error(error, g_steal_pointer(fault));
    return true;
}

/* ---- store ---- */

static bool store_insert(NotificationStore *self, const NotificationEvent *const *events, size_t n,
                         GError **error)
{
    FakeStore *store = (FakeStore *)self;
    if (take_fault(&store->fault, error))
        return false;
    store->events = events;
    store->inserted += n;
    return true;
}

static bool store_claim(NotificationStore *self, size_t max, int64_t lease_ms,
                        NotificationDelivery **deliveries, size_t *n, GError **error)
{
    FakeStore *store = (FakeStore *)self;
    g_assert_cmpint(lease_ms, >, 0);
    if (take_fault(&store->fault, error))
        return false;
    *n = 0;
    while (*n < max && store->due->len > 0)
        deliveries[(*n)++] = g_ptr_array_steal_index(store->due, 0);
    return true;
}

static bool store_record(NotificationStore *self, const NotificationDelivery *const *deliveries,
                         size_t n, GError **error)
{
    FakeStore *store = (FakeStore *)self;
    if (take_fault(&store->record_fault, error))
        return false;
    for (size_t i = 0; i < n; i++) {
        if (store->refused_body == NULL || g_strcmp0(deliveries[i]->body, store->refused_body) != 0)
            continue;
        g_set_error(error, CH_ERROR, CH_ERROR_FAILED, "a value is refused");
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        g_assert_cmpint(deliveries[i]->verdict, !=, NOTIFICATION_UNDECIDED);
        store->recorded_failed += deliveries[i]->verdict == NOTIFICATION_REFUSED;
    }
    store->recorded += n;
    return true;
}

static bool store_noted(NotificationStore *self, const ChUuid *event_ids, size_t n, bool *noted,
                        GError **error)
{
    FakeStore *store = (FakeStore *)self;
    if (take_fault(&store->fault, error))
        return false;
    for (size_t i = 0; i < n; i++)
        noted[i] = ch_uuid_equal(event_ids[i], store->noted_event);
    return true;
}

static bool store_set_apart(NotificationStore *self, const ChUuid *told_as G_GNUC_UNUSED,
                            size_t n G_GNUC_UNUSED, GError **error)
{
    return !take_fault(&((FakeStore *)self)->fault, error);
}

static bool store_empty_old(NotificationStore *self, int64_t before_us G_GNUC_UNUSED,
                            int64_t max G_GNUC_UNUSED, size_t *n, GError **error)
{
    *n = 0;
    return !take_fault(&((FakeStore *)self)->fault, error);
}

static void store_free(NotificationStore *self G_GNUC_UNUSED)
{
}

static const NotificationStoreOps store_ops = {
    .insert = store_insert,
    .noted = store_noted,
    .set_apart = store_set_apart,
    .claim = store_claim,
    .record = store_record,
    .empty_old = store_empty_old,
    .free = store_free,
};

void fake_store_init(FakeStore *store)
{
    *store = (FakeStore){ .base = { &store_ops } };
    store->due = g_ptr_array_new_with_free_func(notification_delivery_free);
}

void fake_store_clear(FakeStore *store)
{
    g_ptr_array_unref(store->due);
    g_clear_error(&store->fault);
    g_clear_error(&store->record_fault);
}

/* ---- templates ---- */

static bool templates_list_active(NotificationTemplateReads *self, GPtrArray **active,
                                  GError **error)
{
    FakeTemplates *templates = (FakeTemplates *)self;
    if (take_fault(&templates->fault, error))
        return false;
    *active = g_ptr_array_ref(templates->active);
    return true;
}

static const NotificationTemplateReadsOps templates_ops = { .list_active = templates_list_active };

void fake_templates_init(FakeTemplates *templates)
{
    *templates = (FakeTemplates){ .base = { &templates_ops } };
    templates->active = g_ptr_array_new_with_free_func(notification_template_free);
}

void fake_templates_clear(FakeTemplates *templates)
{
    g_ptr_array_unref(templates->active);
    g_clear_error(&templates->fault);
}

void fake_templates_add(FakeTemplates *templates, NotificationCode code,
                        NotificationChannelKind channel, const char *language, const char *subject,
                        const char *body)
{
    NotificationTemplate *template = g_new0(NotificationTemplate, 1);
    template->code = code;
    template->channel = channel;
    template->language = g_strdup(language);
    template->subject = g_strdup(subject);
    template->body = g_strdup(body);
    template->is_active = true;
    g_ptr_array_add(templates->active, template);
}

/* ---- customers ---- */

static void customers_look_up(NotificationCustomers *self, const ChUuid *ids, const ChTrace *traces,
                              size_t n, NotificationCustomer *found)
{
    FakeCustomers *customers = (FakeCustomers *)self;
    customers->calls++;
    customers->asked += n;
    for (size_t i = 0; i < n; i++) {
        g_assert_true(ch_trace_is_set(traces[i]));
        for (size_t k = 0; k < i; k++)
            g_assert_false(ch_uuid_equal(ids[i], ids[k]));
        found[i] = (NotificationCustomer){ .answer = customers->answer,
                                           .name = g_strdup(customers->name),
                                           .email = g_strdup(customers->email),
                                           .phone = g_strdup(customers->phone),
                                           .language = g_strdup(customers->language),
                                           .why = g_strdup(customers->why),
                                           .retry_after_ms = customers->retry_after_ms };
    }
}

static const NotificationCustomersOps customers_ops = { .look_up = customers_look_up };

void fake_customers_init(FakeCustomers *customers)
{
    *customers = (FakeCustomers){ .base = { &customers_ops },
                                  .answer = NOTIFICATION_CUSTOMER_ANSWERED,
                                  .why = "no address is known",
                                  .name = "Ada Lovelace",
                                  .email = "ada@example.org" };
}

/* ---- channel ---- */

static void channel_send(NotificationChannel *self, const NotificationMessage *messages, size_t n,
                         NotificationReceipt *receipts)
{
    FakeChannel *channel = (FakeChannel *)self;
    for (size_t i = 0; i < n; i++) {
        fake_channel_clear(channel);
        channel->to = g_strdup(messages[i].to);
        channel->subject = g_strdup(messages[i].subject);
        channel->body = g_strdup(messages[i].body);
        channel->message_id = messages[i].id;
        receipts[i] = (NotificationReceipt){ channel->verdict, g_strdup(channel->why),
                                             channel->retry_after_ms };
    }
    channel->sent += n;
}

static const NotificationChannelOps channel_ops = { .send = channel_send };

void fake_channel_init(FakeChannel *channel)
{
    *channel = (FakeChannel){ .base = { &channel_ops }, .verdict = NOTIFICATION_DELIVERED };
}

void fake_channel_clear(FakeChannel *channel)
{
    g_clear_pointer(&channel->to, g_free);
    g_clear_pointer(&channel->subject, g_free);
    g_clear_pointer(&channel->body, g_free);
}

/* ---- deliveries ---- */

NotificationDelivery *fake_delivery(int number, int64_t attempt)
{
    NotificationDelivery *delivery = g_new0(NotificationDelivery, 1);
    delivery->id = ch_uuid_new();
    delivery->message_id = ch_uuid_new();
    delivery->order_id = ch_uuid_new();
    delivery->customer_id.bytes[0] = 0xab;
    delivery->customer_id.bytes[3] = (uint8_t)number;
    delivery->code = NOTIFICATION_ORDER_CONFIRMED;
    delivery->values.text[0] = g_strdup_printf("N-%d", number);
    delivery->values.text[1] = g_strdup("12.5");
    delivery->values.text[2] = g_strdup("EUR");
    delivery->attempt = attempt;
    delivery->asked_us = ch_time_now_us();
    delivery->trace = ch_trace_new();
    return delivery;
}
