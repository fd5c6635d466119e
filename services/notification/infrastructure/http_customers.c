/* Asks for all customers of a batch at once; what the answers hold is not trusted. */
#include "notification/infrastructure/http_customers.h"

#include "chassis/client/client.h"
#include "chassis/core/cast.h"
#include "chassis/core/log.h"
#include "notification/infrastructure/customer_json.h"

#include <pthread.h>

enum {
    TIMEOUT_MS = 2000,
    RETRIES = 3,
    RETRY_STEP_MS = 200,
    BREAKER_FAILURES = 5,
    BREAKER_OPEN_MS = 30 * 1000,
    MAX_ANSWER_BYTES = 64 * 1024,
    /* So many in a row whom the service does not know: rather its address is wrong. */
    MAX_UNKNOWN_IN_A_ROW = 5,
    TRACE_HEADER_BYTES = 13 + CH_TRACEPARENT_BYTES, /* "traceparent: " */
};

struct NotificationCustomersWatch {
    ChPause pause;
    pthread_mutex_t mutex; /* guards the fields below */
    size_t unknown_in_a_row;
    bool away;
};

typedef struct {
    NotificationCustomers base;
    const char *url;
    NotificationCustomersWatch *watch;
    ChHttpClient *client;       /* NULL: there is no service */
    ChCredentials *credentials; /* NULL: it wants no token */
} HttpCustomers;

static const NotificationCustomersOps http_customers_ops;

static HttpCustomers *http_of(NotificationCustomers *self)
{
    return CH_CAST(HttpCustomers, self, &http_customers_ops);
}

/* ---- asking ---- */

typedef struct {
    char *url;
    char trace[TRACE_HEADER_BYTES];
    const char *headers[4];
    ChTrace of;
} Question;

/* @authorization: a header, or NULL. */
static void prepare(const HttpCustomers *customers, ChUuid id, ChTrace trace,
                    const char *authorization, Question *question)
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
    question->headers[2] = authorization;
    question->of = trace;
}

static ChHttpCall call_for(const Question *question)
{
    return (ChHttpCall){ .method = "GET",
                         .url = question->url,
                         .headers = question->headers,
                         .trace = question->of,
                         .url_template = "/api/customers/{id}" };
}

static bool is_token_refused(const ChHttpCall *call)
{
    return call->outcome == CH_HTTP_REFUSED && call->status == 401;
}

/* Asks those questions again, with @authorization, whose calls were refused for their token. */
static void repeat_refused(const HttpCustomers *customers, const char *authorization,
                           Question *questions, ChHttpCall *calls, size_t n)
{
    g_autofree ChHttpCall *again = g_new0(ChHttpCall, n);
    size_t again_n = 0;
    for (size_t i = 0; i < n; i++) {
        questions[i].headers[2] = authorization;
        if (is_token_refused(&calls[i]))
            again[again_n++] = call_for(&questions[i]);
    }
    ch_http_client_fetch(customers->client, again, again_n);
    size_t next = 0;
    for (size_t i = 0; i < n; i++) {
        if (!is_token_refused(&calls[i]))
            continue;
        ch_http_call_clear(&calls[i]);
        calls[i] = again[next++];
    }
}

/* A token may be taken back before its time: one other is tried. */
static void renew_refused(const HttpCustomers *customers, Question *questions, ChHttpCall *calls,
                          size_t n)
{
    bool refused = false;
    for (size_t i = 0; i < n; i++)
        refused = refused || is_token_refused(&calls[i]);
    if (customers->credentials == NULL || !refused)
        return;
    g_autofree char *why = NULL;
    ch_credentials_forget(customers->credentials);
    const char *authorization = ch_credentials_header(customers->credentials, &why);
    if (authorization != NULL)
        repeat_refused(customers, authorization, questions, calls, n);
}

/* What came of one call. */
static void read_answer(const ChHttpCall *call, NotificationCustomer *customer)
{
    if (call->outcome == CH_HTTP_REFUSED && (call->status == 404 || call->status == 410)) {
        customer->answer = NOTIFICATION_CUSTOMER_UNKNOWN;
        customer->why =
            g_strdup_printf("the customer service does not know the customer (%s)", call->fault);
        return;
    }
    bool answered = call->outcome == CH_HTTP_OK && call->answer != NULL;
    if (answered && notification_customer_from_json(call->answer->str, call->answer->len, customer))
        return;
    customer->answer = NOTIFICATION_CUSTOMER_UNREACHABLE;
    customer->why = g_strdup_printf("the customer service is unavailable: %s",
                                    answered ? "its answer is no JSON object" : call->fault);
    customer->retry_after_ms = call->retry_after_ms;
}

/* ---- judging the service by all of its answers ---- */

static size_t count(const NotificationCustomer *customers, size_t n,
                    NotificationCustomerAnswer answer)
{
    size_t found = 0;
    for (size_t i = 0; i < n; i++)
        found += customers[i].answer == answer;
    return found;
}

/* A service that knows nobody is not asked at its right address: then that it does not know a
 * customer tells nothing. */
static void distrust(NotificationCustomer *customers, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (customers[i].answer != NOTIFICATION_CUSTOMER_UNKNOWN)
            continue;
        customers[i].answer = NOTIFICATION_CUSTOMER_UNREACHABLE;
        g_free(customers[i].why);
        customers[i].why = g_strdup("the customer service knows nobody (status 404 for everybody): "
                                    "is CUSTOMER_SERVICE_URL right?");
    }
}

/* One line when an outage begins and one when it is over. */
static void judge(NotificationCustomersWatch *watch, NotificationCustomer *customers, size_t n)
{
    size_t answered = count(customers, n, NOTIFICATION_CUSTOMER_ANSWERED);
    size_t unknown = count(customers, n, NOTIFICATION_CUSTOMER_UNKNOWN);
    pthread_mutex_lock(&watch->mutex);
    watch->unknown_in_a_row =
        answered > 0 ? 0 : MIN(watch->unknown_in_a_row + unknown, MAX_UNKNOWN_IN_A_ROW);
    bool knows_nobody = watch->unknown_in_a_row == MAX_UNKNOWN_IN_A_ROW;
    bool was_away = watch->away;
    bool is_away = answered == 0 && (unknown == 0 || knows_nobody);
    watch->away = is_away;
    pthread_mutex_unlock(&watch->mutex);
    if (knows_nobody)
        distrust(customers, n);
    if (is_away && !was_away)
        ch_log_warning("no customer data: notifications wait for them, or made-up ones stand in",
                       CH_STR("error", customers[0].why));
    else if (was_away && !is_away)
        ch_log_info("customer data are available again");
}

/* Without a service nobody is known. */
static void know_nobody(NotificationCustomer *customers, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        customers[i].answer = NOTIFICATION_CUSTOMER_UNKNOWN;
        customers[i].why = g_strdup("there is no customer service");
    }
}

/* Without a token nobody can be asked for. */
static void lack_token(const HttpCustomers *customers, NotificationCustomer *found, size_t n,
                       const char *why)
{
    for (size_t i = 0; i < n; i++) {
        found[i].answer = NOTIFICATION_CUSTOMER_UNREACHABLE;
        found[i].why = g_strdup_printf("there is no token for the customer service: %s", why);
    }
    judge(customers->watch, found, n);
}

static void ask(const HttpCustomers *customers, const char *authorization, const ChUuid *ids,
                const ChTrace *traces, size_t n, NotificationCustomer *found)
{
    g_autofree Question *questions = g_new0(Question, n);
    g_autofree ChHttpCall *calls = g_new0(ChHttpCall, n);
    for (size_t i = 0; i < n; i++) {
        prepare(customers, ids[i], traces[i], authorization, &questions[i]);
        calls[i] = call_for(&questions[i]);
    }
    ch_http_client_fetch(customers->client, calls, n);
    renew_refused(customers, questions, calls, n);
    bool asked = false;
    for (size_t i = 0; i < n; i++) {
        asked = asked || calls[i].tries > 0;
        read_answer(&calls[i], &found[i]);
        ch_http_call_clear(&calls[i]);
        g_free(questions[i].url);
    }
    if (asked) /* that this lane's circuit is open tells nothing new */
        judge(customers->watch, found, n);
}

static void look_up(NotificationCustomers *self, const ChUuid *ids, const ChTrace *traces, size_t n,
                    NotificationCustomer *found)
{
    const HttpCustomers *customers = http_of(self);
    if (customers->client == NULL) {
        know_nobody(found, n);
        return;
    }
    g_autofree char *why = NULL;
    const char *authorization = NULL;
    if (customers->credentials != NULL) {
        authorization = ch_credentials_header(customers->credentials, &why);
        if (authorization == NULL) {
            lack_token(customers, found, n, why);
            return;
        }
    }
    ask(customers, authorization, ids, traces, n, found);
}

static void free_customers(NotificationCustomers *self)
{
    ch_credentials_free(http_of(self)->credentials);
    ch_http_client_free(http_of(self)->client);
    g_free(self);
}

static const NotificationCustomersOps http_customers_ops = {
    .look_up = look_up,
    .free = free_customers,
};

NotificationCustomersWatch *notification_customers_watch_new(void)
{
    NotificationCustomersWatch *watch = g_new0(NotificationCustomersWatch, 1);
    pthread_mutex_init(&watch->mutex, NULL);
    return watch;
}

void notification_customers_watch_free(void *opaque)
{
    NotificationCustomersWatch *watch = opaque;
    if (watch == NULL)
        return;
    pthread_mutex_destroy(&watch->mutex);
    g_free(watch);
}

NotificationCustomers *
notification_http_customers_new(const NotificationHttpCustomersConfig *config)
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
        .pause = &config->watch->pause,
        .ca_file = config->ca_file,
    };
    HttpCustomers *customers = g_new0(HttpCustomers, 1);
    customers->base.ops = &http_customers_ops;
    customers->url = config->url;
    customers->watch = config->watch;
    if (*config->url != '\0')
        customers->client = ch_http_client_new(&client);
    if (*config->token.token_url != '\0')
        customers->credentials = ch_credentials_new(&config->token);
    return &customers->base;
}
