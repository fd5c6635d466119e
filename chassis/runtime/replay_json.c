/* Rows to JSON. */
#include "chassis/runtime/replay_json.h"

#include "chassis/http/page.h"
#include "chassis/json/json_writer.h"

static void add_if_set(GString *json, const char *key, const char *text)
{
    if (text != NULL)
        ch_json_add_text(json, key, text);
}

/* Which letters, how fast, and when to stop. */
static void add_wish(GString *json, const ChReplayJob *job)
{
    ch_json_add_text(json, "queue", job->queue);
    if (!ch_uuid_is_nil(job->group))
        ch_json_add_uuid(json, "group", job->group);
    add_if_set(json, "type", job->message_type);
    if (!ch_uuid_is_nil(job->subject))
        ch_json_add_uuid(json, "subject", job->subject);
    if (job->since_us > 0)
        ch_json_add_time(json, "since", job->since_us);
    ch_json_add_integer(json, "rate", job->rate);
    ch_json_add_bool(json, "dryRun", job->dry_run);
    if (job->stop_of == 0)
        return;
    ch_json_begin_object(json, "stopAfter");
    ch_json_add_integer(json, "failures", job->stop_failures);
    ch_json_add_integer(json, "of", job->stop_of);
    ch_json_end_object(json);
}

/* What is left takes at the pace of now; while none is known, at the one that is wished for. */
static void add_progress(GString *json, const ChReplayJob *job)
{
    int64_t looked = job->replayed + job->refused + job->works + job->fails + job->untried;
    if (job->total >= 0)
        ch_json_add_integer(json, "total", MAX(job->total, looked));
    ch_json_add_integer(json, "looked", looked);
    ch_json_add_integer(json, "replayed", job->replayed);
    ch_json_add_integer(json, "refused", job->refused);
    ch_json_add_integer(json, "returned", job->returned);
    if (job->dry_run) {
        ch_json_add_integer(json, "works", job->works);
        ch_json_add_integer(json, "fails", job->fails);
        ch_json_add_integer(json, "untried", job->untried);
    }
    if (job->state != CH_REPLAY_RUNNING)
        return;
    int64_t pace = job->pace > 0 ? job->pace : 1000 * job->rate;
    ch_json_add_decimal(json, "pace", pace * (CH_DECIMAL_ONE / 1000));
    if (job->total >= 0)
        ch_json_add_integer(json, "secondsLeft",
                            (MAX(job->total - looked, 0) * 1000 + pace - 1) / pace);
}

ChUuid ch_replay_json_add(GString *json, const ChReplayJob *job)
{
    ch_json_begin_object(json, NULL);
    ch_json_add_uuid(json, "id", job->id);
    ch_json_add_text(json, "state", ch_replay_state_name(job->state));
    add_if_set(json, "note", job->note);
    add_wish(json, job);
    add_progress(json, job);
    ch_json_add_text(json, "createdBy", job->created_by);
    ch_json_add_text(json, "why", job->why);
    ch_json_add_time(json, "createdAt", job->created_us);
    if (job->ended_us != 0)
        ch_json_add_time(json, "endedAt", job->ended_us);
    ch_json_end_object(json);
    return ch_http_page_id(job->number);
}

GString *ch_replay_json_record(const ChReplayJob *job, ChReplayState state)
{
    GString *json = g_string_sized_new(256);
    ch_json_begin_object(json, NULL);
    ch_json_add_text(json, "state", ch_replay_state_name(state));
    add_wish(json, job);
    ch_json_add_integer(json, "replayed", job->replayed);
    ch_json_end_object(json);
    return json;
}
