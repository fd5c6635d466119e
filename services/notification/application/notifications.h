/* Notifications: what the service knows of them, and the names it has for it. */
#pragma once

#include "chassis/core/error.h"
#include "chassis/core/expected.h"
#include "chassis/core/page.h"
#include "chassis/core/trace.h"
#include "chassis/core/uuid.h"

#include <stddef.h>
#include <stdint.h>

enum {
    NOTIFICATION_MAX_PLACEHOLDERS = 4,
    NOTIFICATION_MAX_VALUE_CHARS = 4000, /* of a placeholder's value; longer ones are cut */
    NOTIFICATION_MAX_LANGUAGE_CHARS = 35,
    NOTIFICATION_MAX_TEMPLATES = 1000,
    NOTIFICATION_MAX_TEMPLATE_BYTES =
        4 * 1024 * 1024, /* of all their texts: each sender has them */
    NOTIFICATION_NO_VERSION = -1,
};

/** The numbers are stored and are those of the API. */
typedef enum {
    NOTIFICATION_NO_CHANNEL = 0, /* not chosen yet */
    NOTIFICATION_EMAIL = 1,
    NOTIFICATION_SMS = 2,
    NOTIFICATION_CHANNELS_N,
} NotificationChannelKind;

/** "Email", "Sms"; NULL for none. */
const char *notification_channel_name(NotificationChannelKind kind);

/** The numbers are stored. */
typedef enum {
    NOTIFICATION_PENDING = 1,
    NOTIFICATION_SENDING = 2,
    NOTIFICATION_SENT = 3,
    NOTIFICATION_FAILED = 4,
} NotificationStatus;

/** "Pending", "Sending", "Sent", "Failed". */
const char *notification_status_name(NotificationStatus status);

/** False when @name is none of them. */
bool notification_status_parse(const char *name, NotificationStatus *status);

/** What a notification tells; each has its event and its templates. */
typedef enum {
    NOTIFICATION_ORDER_CONFIRMED,
    NOTIFICATION_ORDER_CANCELLED,
    NOTIFICATION_CODES_N, /* none of them */
} NotificationCode;

typedef struct {
    const char *name;                                        /* "ORDER_CONFIRMED" */
    const char *event_type;                                  /* "OrderConfirmedEvent" */
    const char *webhook_type;                                /* "order.confirmed" */
    const char *placeholders[NOTIFICATION_MAX_PLACEHOLDERS]; /* NULL after the last */
} NotificationCodeInfo;

/** @code may be NOTIFICATION_CODES_N: no names, no placeholders. */
const NotificationCodeInfo *notification_code_info(NotificationCode code);

/** NOTIFICATION_CODES_N when @name, which may be NULL, is none. */
NotificationCode notification_code_find(const char *name);

/** The code whose webhook_type is @type; NOTIFICATION_CODES_N when none is. */
NotificationCode notification_code_of_webhook(const char *type);

/** What stands for each placeholder of a code, in their order; owned; NULL: not known. */
typedef struct {
    char *text[NOTIFICATION_MAX_PLACEHOLDERS];
} NotificationValues;

void notification_values_clear(NotificationValues *values);

/** Sets what stands for @placeholder; nothing when @code has none of that name. Copies @text, valid
 * UTF-8, and cuts it to NOTIFICATION_MAX_VALUE_CHARS. */
void notification_values_set(NotificationValues *values, NotificationCode code,
                             const char *placeholder, const char *text);

/** What stands for @placeholder; NULL: not known, or @code has none of that name. */
const char *notification_values_find(const NotificationValues *values, NotificationCode code,
                                     const char *placeholder);

/** The end of an order, of which its customer is to be told. */
typedef struct {
    ChUuid event_id;
    ChUuid told_as; /* in the inbox: event_id, unless it was announced again under another id */
    ChUuid order_id;
    ChUuid customer_id;
    NotificationCode code;
    NotificationValues values; /* all but CustomerName */
    ChTrace trace;
} NotificationEvent;

void notification_event_free(void *event); /* a GDestroyNotify; NULL is fine */

/** A text to be filled in, in one language for one channel. */
typedef struct {
    ChUuid id;
    NotificationCode code;
    NotificationChannelKind channel;
    char *language; /* BCP 47 in lower case: "en", "de-at" */
    char *subject;  /* "" for an SMS */
    char *body;
    bool is_active;
    int64_t version;
    int64_t changed_us; /* when it became this version; 0: not told */
} NotificationTemplate;

void notification_template_free(void *template); /* a GDestroyNotify; NULL is fine */

G_DEFINE_AUTOPTR_CLEANUP_FUNC(NotificationTemplate, notification_template_free)

/** Which versions of a template to list. */
typedef struct {
    ChUuid template_id;
    int64_t after;  /* exclusive */
    int64_t before; /* exclusive */
    int64_t limit;  /* rows, 1 or more */
    bool oldest_first;
    ChTimeRange changed; /* when the template became that version */
} NotificationVersionRange;

/** A change of a template. */
typedef struct {
    ChUuid id;
    ChExpected expected;            /* versions that it may meet */
    bool force;                     /* also when it leaves its code without an active template */
    NotificationTemplate *template; /* what it becomes; NULL: it is deleted */
    int64_t was_version;            /* of one that is DONE: before */
} NotificationTemplateChange;

/** One line of the log. */
typedef struct {
    ChUuid id, event_id, order_id, customer_id;
    NotificationCode code;
    NotificationStatus status;
    NotificationChannelKind channel;
    int64_t attempts;
    NotificationValues values;
    char *destination, *subject, *body, *error; /* NULL: none yet */
    char *customer_source;                      /* "service" or "fallback"; NULL: not asked yet */
    char *trace_id;                             /* NULL: none */
    int64_t created_us, updated_us;
    int64_t due_us;    /* of one that is not final: when it is tried (again) */
    int64_t sent_us;   /* 0: not sent */
    int64_t resent_us; /* when it was last asked to be sent again; 0: never */
} NotificationEntry;

void notification_entry_free(void *entry); /* a GDestroyNotify; NULL is fine */

/** What of the log to list. */
typedef struct {
    bool has_order, has_status;
    ChUuid order_id;
    NotificationStatus status;
    ChPage page;
    bool masked; /* as who asks may not see customers' data */
} NotificationFilter;
