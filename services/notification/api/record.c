/* Changes of templates and subscriptions, for the record. */
#include "notification/api/record.h"

#include "chassis/http/change.h"
#include "chassis/json/json_writer.h"
#include "notification/api/subscription_json.h"

#include <string.h>

static GString *version_json(int64_t version)
{
    if (version == 0)
        return NULL;
    GString *json = g_string_sized_new(32);
    ch_json_begin_object(json, NULL);
    ch_json_add_integer(json, "version", version);
    ch_json_end_object(json);
    return json;
}

/* Of subject and body, a zero byte between them. */
static char *text_sha256(const NotificationTemplate *template)
{
    GChecksum *sha256 = g_checksum_new(G_CHECKSUM_SHA256);
    g_checksum_update(sha256, (const guchar *)template->subject,
                      (gssize)strlen(template->subject) + 1);
    g_checksum_update(sha256, (const guchar *)template->body, (gssize)strlen(template->body));
    char *digest = g_strdup(g_checksum_get_string(sha256));
    g_checksum_free(sha256);
    return digest;
}

/* The texts are long, and in the versions; a digest shows when those were changed. */
static GString *template_json(const NotificationTemplate *template)
{
    if (template == NULL)
        return NULL;
    g_autofree char *sha256 = text_sha256(template);
    GString *json = g_string_sized_new(256);
    ch_json_begin_object(json, NULL);
    ch_json_add_integer(json, "version", template->version);
    ch_json_add_text(json, "templateCode", notification_code_info(template->code)->name);
    ch_json_add_integer(json, "channel", template->channel);
    ch_json_add_text(json, "language", template->language);
    ch_json_add_bool(json, "isActive", template->is_active);
    ch_json_add_text(json, "textSha256", sha256);
    ch_json_end_object(json);
    return json;
}

void notification_api_note_template(ChHttpRequest *request, ChUuid id, int64_t was,
                                    const NotificationTemplate *template)
{
    ch_http_note_change(request, (ChHttpChange){
                                     .object = "template",
                                     .id = id,
                                     .before = version_json(was),
                                     .after = template_json(template),
                                 });
}

/* A secret that was set shows as such. */
static GString *subscription_json(const NotificationSubscription *subscription)
{
    if (subscription == NULL)
        return NULL;
    GString *json = g_string_sized_new(512);
    notification_api_write_subscription(json, subscription,
                                        subscription->secret != NULL ? "***" : NULL);
    return json;
}

void notification_api_note_subscription(ChHttpRequest *request,
                                        const NotificationSubscription *before,
                                        const NotificationSubscription *after)
{
    ch_http_note_change(request, (ChHttpChange){
                                     .object = "subscription",
                                     .id = before != NULL ? before->id : after->id,
                                     .before = subscription_json(before),
                                     .after = subscription_json(after),
                                 });
}
