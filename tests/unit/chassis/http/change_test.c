/* What handlers note of changes, and when it is recorded. */
#include "chassis/http/change.h"

#include "chassis/core/error.h"
#include "chassis/core/log.h"
#include "chassis/http/lane.h"
#include "chassis/http/request_life.h"

#include <fcntl.h>

enum {
    REQUESTS = 3,
};

typedef struct {
    ChHttpLane *lane;
    ChHttpRequest *requests[REQUESTS];
    GString *recorded; /* "word word; word" of each call: what was noted by whom */
    bool fails;
} Fixture;

/* As often as its path has slashes; "/" alone changes nothing. */
static bool note_slashes(void *context G_GNUC_UNUSED, ChHttpRequest *const *requests, size_t n,
                         GError **error G_GNUC_UNUSED)
{
    for (size_t i = 0; i < n; i++) {
        for (const char *c = ch_http_request_path(requests[i]) + 1; *c != '\0'; c++) {
            if (*c == '/')
                ch_http_note_change(requests[i], (ChHttpChange){
                                                     .object = "thing",
                                                     .before = g_string_new("1"),
                                                     .after = g_string_new("2"),
                                                     .why = g_strdup("because"),
                                                 });
        }
        ch_http_respond_empty(requests[i], 204);
    }
    return true;
}

static bool record(void *fixture, ChHttpRequest *const *requests, size_t n, GError **error)
{
    Fixture *f = fixture;
    g_string_append(f->recorded, f->recorded->len > 0 ? "; " : "");
    for (size_t i = 0; i < n; i++) {
        size_t changes;
        const ChHttpChange *first = ch_http_changes(requests[i], &changes);
        g_assert_cmpuint(changes, >, 0);
        g_assert_cmpstr(first[changes - 1].after->str, ==, "2");
        g_string_append_printf(f->recorded, "%s%s %s %zu", i > 0 ? ", " : "",
                               ch_http_request_actor(requests[i]),
                               ch_http_request_operation(requests[i]), changes);
    }
    if (f->fails)
        g_set_error(error, CH_ERROR, CH_ERROR_UNAVAILABLE, "away");
    return !f->fails;
}

static const char *const scope_names[] = { NULL, "things:write" };
static const ChScopes scopes = { .names = scope_names, .names_n = G_N_ELEMENTS(scope_names) };
static const ChHttpRoute routes[] = {
    { .operation_id = "changeThing", .handler = note_slashes, .query = "", .scope = 1 },
    { .operation_id = "changeOther",
      .handler = note_slashes,
      .query = "",
      .scope = CH_HTTP_OWN_RULE },
};

static void set_up(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    static const char *const targets[REQUESTS] = { "/a/b/c", "/d", "/e/f" };
    f->lane = ch_http_lane_new("test", REQUESTS, NULL);
    f->recorded = g_string_new(NULL);
    ch_http_lane_set_recorder(f->lane, record, f);
    for (size_t i = 0; i < REQUESTS; i++) {
        f->requests[i] = ch_http_request_new(targets[i], 0, 0);
        f->requests[i]->match.route = &routes[i % G_N_ELEMENTS(routes)];
        f->requests[i]->match.scopes = &scopes;
    }
}

static void tear_down(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    for (size_t i = 0; i < REQUESTS; i++)
        ch_http_request_unref(f->requests[i]);
    g_string_free(f->recorded, TRUE);
    ch_http_lane_free(f->lane);
}

static bool run(Fixture *f, GError **error)
{
    void *items[REQUESTS];
    for (size_t i = 0; i < REQUESTS; i++)
        items[i] = f->requests[i];
    return ch_http_lane_run(ch_http_lane_source(f->lane), items, REQUESTS, error);
}

static void test_what_a_batch_changed_is_recorded_once(Fixture *f,
                                                       gconstpointer unused G_GNUC_UNUSED)
{
    f->requests[2]->match.route = &routes[1];
    g_assert_true(run(f, NULL));
    g_assert_cmpstr(f->recorded->str, ==, "anonymous changeThing 2, anonymous changeOther 1");
}

static void test_a_batch_that_runs_again_forgets(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    g_autoptr(GError) error = NULL;
    f->fails = true;
    g_assert_false(run(f, &error));
    g_assert_error(error, CH_ERROR, CH_ERROR_UNAVAILABLE);
    f->fails = false;
    g_string_truncate(f->recorded, 0);
    g_assert_true(run(f, NULL));
    g_assert_cmpstr(f->recorded->str, ==, "anonymous changeThing 2, anonymous changeThing 1");
}

static void test_without_a_change_nothing_is_recorded(Fixture *f,
                                                      gconstpointer unused G_GNUC_UNUSED)
{
    void *item = f->requests[1];
    g_assert_true(ch_http_lane_run(ch_http_lane_source(f->lane), &item, 1, NULL));
    g_assert_cmpstr(f->recorded->str, ==, "");
}

static void test_who_acts(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    ch_http_request_set_actor(f->requests[0], "admin-token");
    f->requests[2]->caller = ch_caller_new("anna", "", 0, 0);
    ch_http_request_set_actor(f->requests[2], "admin-token");
    g_assert_true(run(f, NULL));
    g_assert_cmpstr(f->recorded->str, ==, "admin-token changeThing 2, anna changeThing 1");
    g_assert_cmpstr(ch_http_request_scope(f->requests[0]), ==, "things:write");
    g_assert_null(ch_http_request_scope(f->requests[1]));
}

#define ADD(name, test) g_test_add("/change/" name, Fixture, NULL, set_up, test, tear_down)

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ch_log_set_output(open("/dev/null", O_WRONLY));
    ADD("what-a-batch-changed-is-recorded-once", test_what_a_batch_changed_is_recorded_once);
    ADD("a-batch-that-runs-again-forgets", test_a_batch_that_runs_again_forgets);
    ADD("without-a-change-nothing-is-recorded", test_without_a_change_nothing_is_recorded);
    ADD("who-acts", test_who_acts);
    return g_test_run();
}
