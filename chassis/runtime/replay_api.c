/* Requests to jobs, and jobs to answers. */
#include "chassis/runtime/replay_api.h"

#include "chassis/core/log.h"
#include "chassis/http/change.h"
#include "chassis/http/page.h"
#include "chassis/http/problem.h"
#include "chassis/http/query.h"
#include "chassis/json/json_read.h"
#include "chassis/json/json_writer.h"
#include "chassis/messaging/replay_job_trials.h"
#include "chassis/messaging/replay_jobs.h"
#include "chassis/runtime/audit.h"
#include "chassis/runtime/replay_json.h"

enum {
    MAX_NAME_CHARS = 255, /* of a queue or a type in AMQP */
    DEFAULT_RATE = 10,    /* it leaves room for orders */
    MAX_RATE = 1000,
    MAX_STOP = 100000,
    LOCATION_BYTES = 64,
};

static const ChHttpProblem under_way = { "replay-job-under-way", 409, "A job is under way" };
static const ChHttpProblem ended = { "replay-job-ended", 409, "Ended" };

static void respond_unknown(ChHttpRequest *request)
{
    ch_http_respond_problem(request, &ch_http_not_found, "there is no such replay job");
}

static void respond_job(ChHttpRequest *request, unsigned status, const ChReplayJob *job)
{
    GString *json = g_string_sized_new(512);
    ch_replay_json_add(json, job);
    ch_http_respond_json(request, status, json);
}

static void respond_under_way(ChHttpRequest *request, const ChReplayJob *job)
{
    char id[CH_UUID_TEXT_BYTES];
    ch_uuid_format(job->id, id);
    ch_http_respond_problem(request, &under_way, "queue %s has job %s, which is %s", job->queue, id,
                            ch_replay_state_name(job->state));
}

/* ---- lists ---- */

static bool read_filter(ChHttpRequest *request, const ChPage *page, void *query,
                        ChViolations *violations)
{
    ChReplayFilter *filter = query;
    const char *state;
    filter->rows = page->rows;
    filter->oldest_first = page->oldest_first;
    ch_http_page_numbers(page, &filter->after, &filter->before);
    ch_http_query_text(request, "queue", MAX_NAME_CHARS, &filter->queue, violations);
    if (!ch_http_query_text(request, "state", MAX_NAME_CHARS, &state, violations))
        return true;
    filter->has_state = ch_replay_state_parse(state, &filter->state);
    if (!filter->has_state)
        ch_violations_add(violations, "state",
                          "must be running, paused, stopped, done or cancelled");
    return true;
}

static bool ask(void *groups, const void *queries, size_t n, GPtrArray **pages, GError **error)
{
    return ch_replay_jobs_list(ch_failure_groups_pg(groups), queries, n, pages, error);
}

static ChUuid write_job(GString *json, const void *job)
{
    return ch_replay_json_add(json, job);
}

static const ChHttpList jobs_list = {
    .query_bytes = sizeof(ChReplayFilter),
    .default_limit = 20,
    .max_limit = 100,
    .read = read_filter,
    .ask = ask,
    .write_row = write_job,
};

bool ch_replay_api_list(void *groups, ChHttpRequest *const *requests, size_t n, GError **error)
{
    return ch_http_list(&jobs_list, groups, requests, n, error);
}

/* Of one job, as its letters died. */
typedef struct {
    ChUuid job;
    int64_t after, before, rows;
    bool oldest_first;
} OfJobQuery;

static bool read_of_job(ChHttpRequest *request, const ChPage *page, void *opaque,
                        ChViolations *violations G_GNUC_UNUSED)
{
    OfJobQuery *query = opaque;
    query->rows = page->rows;
    query->oldest_first = page->oldest_first;
    ch_http_page_numbers(page, &query->after, &query->before);
    if (ch_http_param_uuid(request, "id", &query->job))
        return true;
    respond_unknown(request);
    return false;
}

typedef bool (*ListOfJob)(ChPg *pg, const OfJobQuery *query, GPtrArray **page, GError **error);

/* Of a job that nobody made the page stays NULL. */
static bool ask_of_jobs(void *groups, const void *queries, size_t n, GPtrArray **pages,
                        ListOfJob list, GError **error)
{
    ChPg *pg = ch_failure_groups_pg(groups);
    for (size_t i = 0; i < n; i++) {
        const OfJobQuery *query = (const OfJobQuery *)queries + i;
        g_autoptr(ChReplayJob) job = NULL;
        if (!ch_replay_jobs_find(pg, query->job, false, &job, error))
            return false;
        if (job != NULL && !list(pg, query, &pages[i], error))
            return false;
    }
    return true;
}

static bool list_refusals(ChPg *pg, const OfJobQuery *query, GPtrArray **page, GError **error)
{
    const ChReplayRefusalFilter filter = { query->job, query->after, query->before,
                                           query->oldest_first, query->rows };
    return ch_replay_jobs_refusals(pg, &filter, page, error);
}

static bool ask_refusals(void *groups, const void *queries, size_t n, GPtrArray **pages,
                         GError **error)
{
    return ask_of_jobs(groups, queries, n, pages, list_refusals, error);
}

static ChUuid write_refusal(GString *json, const void *opaque)
{
    const ChReplayRefusal *refusal = opaque;
    ch_json_begin_object(json, NULL);
    ch_json_add_uuid(json, "letter", refusal->letter);
    ch_json_add_text(json, "why", refusal->why);
    ch_json_end_object(json);
    return ch_http_page_id(refusal->number);
}

static const ChHttpList refusals_list = {
    .query_bytes = sizeof(OfJobQuery),
    .default_limit = 20,
    .max_limit = 100,
    .read = read_of_job,
    .ask = ask_refusals,
    .write_row = write_refusal,
    .respond_unknown = respond_unknown,
};

bool ch_replay_api_refusals(void *groups, ChHttpRequest *const *requests, size_t n, GError **error)
{
    return ch_http_list(&refusals_list, groups, requests, n, error);
}

static bool list_trials(ChPg *pg, const OfJobQuery *query, GPtrArray **page, GError **error)
{
    const ChReplayTriedFilter filter = { query->job, query->after, query->before,
                                         query->oldest_first, query->rows };
    return ch_replay_trials_list(pg, &filter, page, error);
}

static bool ask_trials(void *groups, const void *queries, size_t n, GPtrArray **pages,
                       GError **error)
{
    return ask_of_jobs(groups, queries, n, pages, list_trials, error);
}

static ChUuid write_trial(GString *json, const void *opaque)
{
    const ChReplayTried *tried = opaque;
    ch_json_begin_object(json, NULL);
    ch_json_add_uuid(json, "letter", tried->letter);
    ch_json_add_text(json, "verdict", tried->verdict);
    if (tried->why != NULL)
        ch_json_add_text(json, "why", tried->why);
    ch_json_end_object(json);
    return ch_http_page_id(tried->number);
}

static const ChHttpList trials_list = {
    .query_bytes = sizeof(OfJobQuery),
    .default_limit = 20,
    .max_limit = 100,
    .read = read_of_job,
    .ask = ask_trials,
    .write_row = write_trial,
    .respond_unknown = respond_unknown,
};

bool ch_replay_api_trials(void *groups, ChHttpRequest *const *requests, size_t n, GError **error)
{
    return ch_http_list(&trials_list, groups, requests, n, error);
}

static bool show_one(ChPg *pg, ChHttpRequest *request, GError **error)
{
    ChUuid id;
    g_autoptr(ChReplayJob) job = NULL;
    if (ch_http_param_uuid(request, "id", &id) && !ch_replay_jobs_find(pg, id, false, &job, error))
        return false;
    if (job == NULL)
        respond_unknown(request);
    else
        respond_job(request, 200, job);
    return true;
}

bool ch_replay_api_show(void *groups, ChHttpRequest *const *requests, size_t n, GError **error)
{
    for (size_t i = 0; i < n; i++) {
        if (!show_one(ch_failure_groups_pg(groups), requests[i], error))
            return false;
    }
    return true;
}

/* ---- making ---- */

static void read_letters(ChJsonValue root, ChReplayWish *wish, ChViolations *violations)
{
    bool by_group = ch_json_read_uuid(root, "group", CH_JSON_OPTIONAL, &wish->group, violations);
    ChJsonValue filter = ch_json_read_object(root, "filter", CH_JSON_OPTIONAL, violations);
    if (by_group == ch_json_is_set(filter)) {
        if (ch_violations_count(violations) == 0)
            ch_violations_add(violations, "", "must have either group or filter");
        return;
    }
    if (by_group)
        return;
    ch_json_read_text(filter, "queue", CH_JSON_REQUIRED, 1, MAX_NAME_CHARS, &wish->queue,
                      violations);
    ch_json_read_text(filter, "type", CH_JSON_OPTIONAL, 1, MAX_NAME_CHARS, &wish->message_type,
                      violations);
    ch_json_read_uuid(filter, "subject", CH_JSON_OPTIONAL, &wish->subject, violations);
    ch_json_read_time(filter, "since", CH_JSON_OPTIONAL, &wish->since_us, violations);
}

/* False: the request was answered. Texts belong to @json. */
static bool read_wish(ChHttpRequest *request, ChJson *json, ChReplayWish *wish,
                      ChViolations *violations)
{
    if (json != NULL) {
        ChJsonValue root = ch_json_root(json);
        read_letters(root, wish, violations);
        ch_json_read_integer(root, "rate", CH_JSON_OPTIONAL, 1, MAX_RATE, &wish->rate, violations);
        ch_json_read_bool(root, "dryRun", CH_JSON_OPTIONAL, &wish->dry_run, violations);
        ChJsonValue stop = ch_json_read_object(root, "stopAfter", CH_JSON_OPTIONAL, violations);
        if (ch_json_is_set(stop)) {
            ch_json_read_integer(stop, "failures", CH_JSON_REQUIRED, 1, MAX_STOP,
                                 &wish->stop_failures, violations);
            ch_json_read_integer(stop, "of", CH_JSON_REQUIRED, 1, MAX_STOP, &wish->stop_of,
                                 violations);
        }
    }
    if (ch_violations_count(violations) == 0)
        return true;
    ch_http_respond_violations(request, violations);
    return false;
}

static void note_change(ChHttpRequest *request, const ChReplayJob *job, bool was_there,
                        ChReplayState was, ChReplayState is)
{
    ch_http_note_change(request, (ChHttpChange){
                                     .object = "replay-job",
                                     .id = job->id,
                                     .before = was_there ? ch_replay_json_record(job, was) : NULL,
                                     .after = ch_replay_json_record(job, is),
                                 });
    ch_log_info(was_there ? "replay job changed" : "replay job made", CH_ID("job", job->id),
                CH_STR("queue", job->queue), CH_STR("state", ch_replay_state_name(is)),
                CH_STR("by", ch_http_request_actor(request)), CH_INT("replayed", job->replayed),
                CH_TRACE(ch_http_request_trace(request)));
}

static void respond_made(ChHttpRequest *request, const ChReplayJob *job)
{
    char id[CH_UUID_TEXT_BYTES];
    char location[LOCATION_BYTES];
    ch_uuid_format(job->id, id);
    g_snprintf(location, sizeof location, "/api/replay-jobs/%s", id);
    note_change(request, job, false, CH_REPLAY_RUNNING, CH_REPLAY_RUNNING);
    respond_job(request, 201, job);
    ch_http_respond_header(request, "Location", location);
}

static bool make_one(ChPg *pg, ChHttpRequest *request, GError **error)
{
    g_autoptr(ChViolations) violations = ch_violations_new();
    g_autoptr(ChJson) json = ch_http_request_json(request, violations);
    g_autofree char *why = ch_audit_reason(request);
    g_autoptr(ChReplayJob) job = NULL;
    ChReplayMaking making;
    ChReplayWish wish = {
        .rate = DEFAULT_RATE,
        .by = ch_http_request_actor(request),
        .why = why != NULL ? why : "a replay job",
    };
    if (!read_wish(request, json, &wish, violations))
        return true;
    if (!ch_replay_jobs_make(pg, &wish, &making, &job, error))
        return false;
    switch (making) {
    case CH_REPLAY_MADE:
        respond_made(request, job);
        break;
    case CH_REPLAY_BUSY:
        respond_under_way(request, job);
        break;
    case CH_REPLAY_NO_GROUP:
        ch_http_respond_problem(request, &ch_http_not_found, "there is no such group of failures");
        break;
    }
    return true;
}

bool ch_replay_api_make(void *groups, ChHttpRequest *const *requests, size_t n, GError **error)
{
    for (size_t i = 0; i < n; i++) {
        if (!make_one(ch_failure_groups_pg(groups), requests[i], error))
            return false;
    }
    return true;
}

/* ---- changing ---- */

/* @job is locked, and may. */
static bool change(ChPg *pg, ChHttpRequest *request, const ChReplayJob *job, ChReplayState to,
                   GError **error)
{
    bool changed = false;
    g_autoptr(ChReplayJob) now = NULL;
    if (!ch_replay_jobs_change(pg, job, to, &changed, error) ||
        !ch_replay_jobs_find(pg, job->id, false, &now, error))
        return false;
    if (changed) {
        note_change(request, now, true, job->state, to);
        respond_job(request, 200, now);
    } else {
        ch_http_respond_problem(request, &under_way, "queue %s has another job", job->queue);
    }
    return true;
}

static bool change_one(ChPg *pg, ChHttpRequest *request, ChReplayState to, GError **error)
{
    ChUuid id;
    g_autoptr(ChReplayJob) job = NULL;
    if (ch_http_param_uuid(request, "id", &id) && !ch_replay_jobs_find(pg, id, true, &job, error))
        return false;
    if (job == NULL)
        respond_unknown(request);
    else if (job->state == to)
        respond_job(request, 200, job);
    else if (ch_replay_may_become(job->state, to))
        return change(pg, request, job, to, error);
    else
        ch_http_respond_problem(request, &ended, "it is %s", ch_replay_state_name(job->state));
    return true;
}

static bool change_all(void *groups, ChHttpRequest *const *requests, size_t n, ChReplayState to,
                       GError **error)
{
    for (size_t i = 0; i < n; i++) {
        if (!change_one(ch_failure_groups_pg(groups), requests[i], to, error))
            return false;
    }
    return true;
}

bool ch_replay_api_pause(void *groups, ChHttpRequest *const *requests, size_t n, GError **error)
{
    return change_all(groups, requests, n, CH_REPLAY_PAUSED, error);
}

bool ch_replay_api_resume(void *groups, ChHttpRequest *const *requests, size_t n, GError **error)
{
    return change_all(groups, requests, n, CH_REPLAY_RUNNING, error);
}

bool ch_replay_api_cancel(void *groups, ChHttpRequest *const *requests, size_t n, GError **error)
{
    return change_all(groups, requests, n, CH_REPLAY_CANCELLED, error);
}
