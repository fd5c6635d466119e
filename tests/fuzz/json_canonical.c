/* Reads documents from standard input, each behind its length (four bytes, big-endian), and answers
 * each with a line: what we read, written again, or "-" when we refuse it. For json_peer.py. */
#include "json_tree.h"

#include <stdio.h>

enum {
    MAX_DOCUMENT_BYTES = 1024 * 1024,
};

static void answer(const char *text, size_t n)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(ChJson) json = ch_json_parse(text, n, &error);
    GString *line = g_string_new(NULL);
    if (json == NULL)
        g_string_append_c(line, '-');
    else
        fuzz_json_write(line, NULL, ch_json_root(json));
    puts(line->str); /* holds no line end: the writer escapes them */
    g_string_free(line, TRUE);
}

int main(void)
{
    guint32 wire = 0;
    while (fread(&wire, sizeof wire, 1, stdin) == 1) {
        size_t n = GUINT32_FROM_BE(wire);
        g_assert_cmpuint(n, <=, MAX_DOCUMENT_BYTES);
        g_autofree char *text = g_malloc(n + 1);
        g_assert_cmpuint(fread(text, 1, n, stdin), ==, n);
        answer(text, n);
    }
    return 0;
}
