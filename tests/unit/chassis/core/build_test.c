/* A program knows which build it is. */
#include "chassis/core/build.h"

#include <glib.h>
#include <string.h>

static void test_names_version_and_id(void)
{
    char first[CH_BUILD_TEXT_BYTES];
    char again[CH_BUILD_TEXT_BYTES];
    ch_build_name(first);
    ch_build_name(again);
    g_assert_cmpstr(first, ==, again);
    g_auto(GStrv) parts = g_strsplit(first, " ", -1);
    g_assert_cmpuint(g_strv_length(parts), ==, 2);
    g_assert_cmpstr(parts[0], ==, CARTWHEEL_VERSION);
    g_assert_cmpuint(strlen(parts[1]), >=, 16);
    g_assert_cmpuint(strspn(parts[1], "0123456789abcdef"), ==, strlen(parts[1]));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/build/names-version-and-id", test_names_version_and_id);
    return g_test_run();
}
