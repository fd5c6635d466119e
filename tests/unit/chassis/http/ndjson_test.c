/* Lines in, lines out. */
#include "chassis/http/ndjson.h"

#include "chassis/http/request_life.h"
#include "chassis/json/json_read.h"
#include "chassis/json/json_writer.h"

#include <string.h>

typedef struct {
    int64_t number;
} Item;

static void read_line(ChJsonValue root, void *item, ChViolations *faults)
{
    g_assert_cmpint(((Item *)item)->number, ==, 0); /* of a line before that was not valid, too */
    ((Item *)item)->number = 99;
    ch_json_read_integer(root, "n", CH_JSON_REQUIRED, 1, 9, &((Item *)item)->number, faults);
}

static void write_line(GString *json, const void *context, size_t place)
{
    ch_json_add_integer(json, "twice", 2 * ((const Item *)context)[place].number);
}

typedef struct {
    ChHttpRequest *request;
    ChViolations *violations;
    ChHttpLines *lines;
} Fixture;

static void read_body(Fixture *f, const char *body)
{
    f->request = ch_http_request_new("/api/import", 0, 0);
    f->request->body = g_string_new(body);
    f->violations = ch_violations_new();
    f->lines = ch_http_lines_read(f->request, sizeof(Item), read_line, f->violations);
}

static void tear_down(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    ch_http_lines_free(f->lines);
    ch_violations_free(f->violations);
    ch_http_request_unref(f->request);
}

static void test_each_line_is_answered_in_its_place(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    size_t n;
    read_body(f, "{\"n\":1}\n{\"n\":0}\n\n[]\n{\"n\":\r\n {\"n\":3}\r\n{\"n\":4}");
    g_assert_cmpuint(ch_violations_count(f->violations), ==, 0);
    g_assert_cmpuint(ch_http_lines_count(f->lines), ==, 7);
    const Item *items = ch_http_lines_items(f->lines, &n);
    g_assert_cmpuint(n, ==, 3);
    ch_http_lines_respond(f->request, f->lines, write_line, items);
    g_assert_cmpstr(f->request->answer.content_type, ==, "application/x-ndjson");
    g_auto(GStrv) told = g_strsplit(f->request->answer.body->str, "\n", -1);
    g_assert_cmpuint(g_strv_length(told), ==, 7 + 1);
    g_assert_cmpstr(told[0], ==, "{\"line\":1,\"twice\":2}");
    g_assert_cmpstr(
        told[1], ==,
        "{\"line\":2,\"outcome\":\"invalid\",\"errors\":{\"n\":[\"must be at least 1\"]}}");
    for (size_t i = 2; i < 5; i++)
        g_assert_nonnull(strstr(told[i], "\"outcome\":\"invalid\",\"errors\":{\"\":["));
    g_assert_cmpstr(told[5], ==, "{\"line\":6,\"twice\":6}");
    g_assert_cmpstr(told[6], ==, "{\"line\":7,\"twice\":8}");
    g_assert_cmpstr(told[7], ==, ""); /* the last line ends, too */
}

static void test_an_end_is_no_line(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    read_body(f, "{\"n\":1}\n");
    g_assert_cmpuint(ch_http_lines_count(f->lines), ==, 1);
}

static void test_there_must_be_a_line(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    read_body(f, "");
    g_autofree char *text = ch_violations_text(f->violations);
    g_assert_cmpstr(text, ==, "the input must have a line");
}

static void test_there_are_a_thousand_at_most(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    g_autofree char *body = g_strnfill(CH_HTTP_MAX_LINES + 1, '\n');
    read_body(f, body);
    g_autofree char *text = ch_violations_text(f->violations);
    g_assert_cmpstr(text, ==, "the input must have at most 1000 lines");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(name, test) g_test_add("/http/ndjson/" name, Fixture, NULL, NULL, test, tear_down)
    ADD("each-line-is-answered-in-its-place", test_each_line_is_answered_in_its_place);
    ADD("an-end-is-no-line", test_an_end_is_no_line);
    ADD("there-must-be-a-line", test_there_must_be_a_line);
    ADD("there-are-a-thousand-at-most", test_there_are_a_thousand_at_most);
#undef ADD
    return g_test_run();
}
