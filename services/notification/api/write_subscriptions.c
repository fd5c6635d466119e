/* Creating, changing and deleting subscriptions. */
#include "notification/api/write_subscriptions.h"

#include "chassis/http/problem.h"
#include "chassis/http/query.h"
#include "notification/api/record.h"
#include "notification/api/stores.h"
#include "notification/api/subscription_json.h"

#define PATH "/api/subscriptions/"

static const ChHttpProblem too_many = { "too-many-subscriptions", 409, "Too many subscriptions" };

/* Valid ones, and who asks for each. */
typedef struct {
    GPtrArray *subscriptions; /* NotificationSubscription *, owned */
    ChHttpRequest **askers;
} Asked;

static Asked asked_new(size_t n)
{
    return (Asked){ g_ptr_array_new_with_free_func(notification_subscription_free),
                    g_new(ChHttpRequest *, n) };
}

static void asked_clear(Asked *asked)
{
    g_ptr_array_unref(asked->subscriptions);
    g_free(asked->askers);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Asked, asked_clear)

/* Takes the subscription; NULL: the request was answered. */
static void asked_add(Asked *asked, ChHttpRequest *request, NotificationSubscription *subscription)
{
    if (subscription == NULL)
        return;
    asked->askers[asked->subscriptions->len] = request;
    g_ptr_array_add(asked->subscriptions, subscription);
}

/* Room for what @n subscriptions were; NULL each. */
static GPtrArray *before_new(size_t n)
{
    GPtrArray *before = g_ptr_array_new_with_free_func(notification_subscription_free);
    g_ptr_array_set_size(before, (int)n);
    return before;
}

static void respond_stored(ChHttpRequest *request, unsigned status,
                           const NotificationSubscription *subscription)
{
    GString *json = g_string_sized_new(512);
    notification_api_write_subscription(json, subscription,
                                        status == 201 ? subscription->secret : NULL);
    ch_http_respond_json(request, status, json);
    if (status != 201)
        return;
    char location[sizeof PATH + CH_UUID_TEXT_BYTES] = PATH;
    ch_uuid_format(subscription->id, location + sizeof PATH - 1);
    ch_http_respond_header(request, "Location", location);
}

bool notification_api_create_subscription(void *context, ChHttpRequest *const *requests, size_t n,
                                          GError **error)
{
    NotificationSubscriptionStore *store = ((const NotificationWrites *)context)->subscriptions;
    g_auto(Asked) asked = asked_new(n);
    g_autofree bool *made = g_new0(bool, n);
    for (size_t i = 0; i < n; i++)
        asked_add(&asked, requests[i],
                  notification_api_read_subscription(requests[i], ch_uuid_new()));
    size_t valid = asked.subscriptions->len;
    NotificationSubscription *const *all =
        (NotificationSubscription *const *)asked.subscriptions->pdata;
    for (size_t i = 0; i < valid; i++) {
        if (all[i]->secret == NULL)
            all[i]->secret = notification_secret_new();
    }
    if (valid > 0 && !store->ops->insert(store, all, valid, made, error))
        return false;
    for (size_t i = 0; i < valid; i++) {
        if (!made[i]) {
            ch_http_respond_problem(asked.askers[i], &too_many, "there may be %d subscriptions",
                                    NOTIFICATION_MAX_SUBSCRIPTIONS);
            continue;
        }
        notification_api_note_subscription(asked.askers[i], NULL, all[i]);
        respond_stored(asked.askers[i], 201, all[i]);
    }
    return true;
}

bool notification_api_update_subscription(void *context, ChHttpRequest *const *requests, size_t n,
                                          GError **error)
{
    NotificationSubscriptionStore *store = ((const NotificationWrites *)context)->subscriptions;
    g_auto(Asked) asked = asked_new(n);
    g_autoptr(GPtrArray) before = before_new(n);
    for (size_t i = 0; i < n; i++) {
        ChUuid id;
        if (ch_http_param_uuid(requests[i], "id", &id))
            asked_add(&asked, requests[i], notification_api_read_subscription(requests[i], id));
        else
            notification_api_respond_no_subscription(requests[i]);
    }
    size_t valid = asked.subscriptions->len;
    NotificationSubscription *const *all =
        (NotificationSubscription *const *)asked.subscriptions->pdata;
    if (valid > 0 &&
        !store->ops->update(store, all, valid, (NotificationSubscription **)before->pdata, error))
        return false;
    for (size_t i = 0; i < valid; i++) {
        if (before->pdata[i] == NULL) {
            notification_api_respond_no_subscription(asked.askers[i]);
            continue;
        }
        notification_api_note_subscription(asked.askers[i], before->pdata[i], all[i]);
        respond_stored(asked.askers[i], 200, all[i]);
    }
    return true;
}

bool notification_api_delete_subscription(void *context, ChHttpRequest *const *requests, size_t n,
                                          GError **error)
{
    NotificationSubscriptionStore *store = ((const NotificationWrites *)context)->subscriptions;
    g_autofree ChUuid *ids = g_new(ChUuid, n);
    g_autofree ChHttpRequest **askers = g_new(ChHttpRequest *, n);
    g_autoptr(GPtrArray) before = before_new(n);
    size_t valid = 0;
    for (size_t i = 0; i < n; i++) {
        if (ch_http_param_uuid(requests[i], "id", &ids[valid]))
            askers[valid++] = requests[i];
        else
            notification_api_respond_no_subscription(requests[i]);
    }
    if (valid > 0 &&
        !store->ops->remove(store, ids, valid, (NotificationSubscription **)before->pdata, error))
        return false;
    for (size_t i = 0; i < valid; i++) {
        if (before->pdata[i] == NULL) {
            notification_api_respond_no_subscription(askers[i]);
            continue;
        }
        notification_api_note_subscription(askers[i], before->pdata[i], NULL);
        ch_http_respond_empty(askers[i], 204);
    }
    return true;
}
