/* Asks for all customers of a batch at once; what the answers hold is not trusted. */
#include "notification/infrastructure/http_customers.h"

#include "chassis/client/client.h"
#include "chassis/client/mail_address.h"
#include "chassis/core/cast.h"
#include "chassis/json/json.h"

#include <string.h>

enum {
    TIMEOUT_MS = 2000,
    RETRIES = 3,
    RETRY_STEP_MS = 200,
    BREAKER_FAILURES = 5,
    BREAKER_OPEN_MS = 30 * 1000,
    MAX_ANSWER_BYTES = 64 * 1024,
    MAX_NAME_CHARS = 200,
    MAX_TEXT_CHARS = 320, /* of an address: 64, the @, 255 */
    MIN_PHONE_DIGITS = 5,
    MAX_PHONE_DIGITS = 15,                          /* E.164 */
    TRACE_HEADER_BYTES = 13 + CH_TRACEPARENT_BYTES, /* "traceparent: " */
};

typedef struct {
    NotificationCustomers base;
    const char *url;
    ChHttpClient *client; /* NULL: there is no service */
} HttpCustomers;

static const NotificationCustomersOps http_customers_ops;

static HttpCustomers *http_of(NotificationCustomers *self)
{
    return CH_CAST(HttpCustomers, self, &http_customers_ops);
}

/* ---- reading an answer ---- */

/* The member @name when it is a text of one line; new. NULL otherwise. */
static char *read_line(ChJsonValue customer, const char *name, size_t max_chars)
{
    const char *text = ch_json_text(ch_json_member(customer, name), NULL);
    if (text == NULL || *text == '\0' || (size_t)g_utf8_strlen(text, -1) > max_chars)
        return NULL;
    for (const char *c = text; *c != '\0'; c = g_utf8_next_char(c)) {
        if (g_unichar_iscntrl(g_utf8_get_char(c)))
            return NULL;
    }
    return g_strdup(text);
}

static char *read_email(ChJsonValue customer)
{
    g_autofree char *email = read_line(customer, "email", MAX_TEXT_CHARS);
    return email != NULL && ch_mail_address_valid(email) ? g_steal_pointer(&email) : NULL;
}

/* As people write it: spaces, brackets, hyphens are left out. */
static char *read_phone(ChJsonValue customer)
{
    g_autofree char *written = read_line(customer, "phone", MAX_TEXT_CHARS);
    if (written == NULL)
        return NULL;
    g_autoptr(GString) phone = g_string_new(NULL);
    for (const char *c = written; *c != '\0'; c++) {
        if (g_ascii_isdigit(*c) || (*c == '+' && phone->len == 0))
            g_string_append_c(phone, *c);
        else if (strchr(" -()./", *c) == NULL)
            return NULL;
    }
    size_t digits = phone->len - (phone->str[0] == '+' ? 1 : 0);
    if (digits < MIN_PHONE_DIGITS || digits > MAX_PHONE_DIGITS)
        return NULL;
    return g_string_free(g_steal_pointer(&phone), FALSE);
}

static void read_customer(const GString *answer, NotificationCustomer *customer)
{
    g_autoptr(ChJson) json = ch_json_parse(answer->str, answer->len, NULL);
    if (json == NULL)
        return;
    ChJsonValue root = ch_json_root(json);
    customer->name = read_line(root, "fullName", MAX_NAME_CHARS);
    customer->email = read_email(root);
    customer->phone = read_phone(root);
    customer->language = read_line(root, "language", NOTIFICATION_MAX_LANGUAGE_CHARS);
}

/* ---- asking ---- */

typedef struct {
    char *url;
    char trace[TRACE_HEADER_BYTES];
    const char *headers[3];
} Question;

static void prepare(const HttpCustomers *customers, ChUuid id, ChTrace trace, Question *question,
                    ChHttpCall *call)
{
    char text[CH_UUID_TEXT_BYTES];
    ch_uuid_format(id, text);
    question->url = g_strdup_printf("%s%sapi/customers/%s", customers->url,
                                    g_str_has_suffix(customers->url, "/") ? "" : "/", text);
    char traceparent[CH_TRACEPARENT_BYTES];
    ch_trace_format(trace, traceparent);
    g_snprintf(question->trace, sizeof question->trace, "traceparent: %s", traceparent);
    question->headers[0] = "Accept: application/json";
    question->headers[1] = question->trace;
    *call = (ChHttpCall){ .method = "GET", .url = question->url, .headers = question->headers };
}

static void look_up(NotificationCustomers *self, const ChUuid *ids, const ChTrace *traces, size_t n,
                    NotificationCustomer *found)
{
    const HttpCustomers *customers = http_of(self);
    if (customers->client == NULL)
        return;
    g_autofree Question *questions = g_new0(Question, n);
    g_autofree ChHttpCall *calls = g_new0(ChHttpCall, n);
    for (size_t i = 0; i < n; i++)
        prepare(customers, ids[i], traces[i], &questions[i], &calls[i]);
    ch_http_client_fetch(customers->client, calls, n);
    for (size_t i = 0; i < n; i++) {
        if (calls[i].outcome == CH_HTTP_OK && calls[i].answer != NULL)
            read_customer(calls[i].answer, &found[i]);
        ch_http_call_clear(&calls[i]);
        g_free(questions[i].url);
    }
}

static void free_customers(NotificationCustomers *self)
{
    ch_http_client_free(http_of(self)->client);
    g_free(self);
}

static const NotificationCustomersOps http_customers_ops = {
    .look_up = look_up,
    .free = free_customers,
};

NotificationCustomers *
notification_http_customers_new(const NotificationHttpCustomersConfig *config, GError **error)
{
    const ChHttpClientConfig client = {
        .name = config->name,
        .timeout_ms = TIMEOUT_MS,
        .retries = RETRIES,
        .retry_step_ms = RETRY_STEP_MS,
        .total_budget_ms = NOTIFICATION_CUSTOMERS_BUDGET_MS,
        .breaker_failures = BREAKER_FAILURES,
        .breaker_open_ms = BREAKER_OPEN_MS,
        .max_answer_bytes = MAX_ANSWER_BYTES,
    };
    g_autofree HttpCustomers *customers = g_new0(HttpCustomers, 1);
    customers->base.ops = &http_customers_ops;
    customers->url = config->url;
    if (*config->url != '\0') {
        customers->client = ch_http_client_new(&client, error);
        if (customers->client == NULL)
            return NULL;
    }
    return &g_steal_pointer(&customers)->base;
}
