/* The answers of token endpoints. */
#include "chassis/client/credentials.h"

#include <glib.h>
#include <string.h>

static char *token_in(const char *text, int64_t *seconds)
{
    char *token = NULL;
    *seconds = -1;
    return ch_credentials_read(text, strlen(text), &token, seconds) ? token : NULL;
}

static void assert_none(const char *text)
{
    int64_t seconds;
    g_autofree char *token = token_in(text, &seconds);
    g_assert_null(token);
}

static void test_reads_a_token(void)
{
    int64_t seconds;
    g_autofree char *token =
        token_in("{\"access_token\":\"a.b-c_~+/=\",\"token_type\":\"bearer\",\"expires_in\":600,"
                 "\"scope\":\"read\"}",
                 &seconds);
    g_assert_cmpstr(token, ==, "a.b-c_~+/=");
    g_assert_cmpint(seconds, ==, 600);
}

static void test_a_life_is_bounded(void)
{
    int64_t seconds;
    g_autofree char *unsaid =
        token_in("{\"access_token\":\"x\",\"token_type\":\"Bearer\"}", &seconds);
    g_assert_cmpstr(unsaid, ==, "x");
    g_assert_cmpint(seconds, ==, 300);
    g_autofree char *eternal = token_in(
        "{\"access_token\":\"x\",\"token_type\":\"Bearer\",\"expires_in\":9223372036854775807}",
        &seconds);
    g_assert_nonnull(eternal);
    g_assert_cmpint(seconds, ==, 24 * 60 * 60);
}

static void test_refuses_what_is_none(void)
{
    assert_none("");
    assert_none("<html>");
    assert_none("[]");
    assert_none("{\"token_type\":\"Bearer\"}");
    assert_none("{\"access_token\":\"x\"}");
    assert_none("{\"access_token\":\"x\",\"token_type\":\"DPoP\"}");
    assert_none("{\"access_token\":7,\"token_type\":\"Bearer\"}");
    assert_none("{\"access_token\":\"\",\"token_type\":\"Bearer\"}");
    assert_none("{\"access_token\":\"a b\",\"token_type\":\"Bearer\"}");
    assert_none("{\"access_token\":\"a\\r\\nX: y\",\"token_type\":\"Bearer\"}");
    assert_none("{\"access_token\":\"x\",\"access_token\":\"y\",\"token_type\":\"Bearer\"}");
    assert_none("{\"access_token\":\"x\",\"token_type\":\"Bearer\",\"expires_in\":0}");
    assert_none("{\"access_token\":\"x\",\"token_type\":\"Bearer\",\"expires_in\":\"soon\"}");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/credentials/reads-a-token", test_reads_a_token);
    g_test_add_func("/credentials/a-life-is-bounded", test_a_life_is_bounded);
    g_test_add_func("/credentials/refuses-what-is-none", test_refuses_what_is_none);
    return g_test_run();
}
