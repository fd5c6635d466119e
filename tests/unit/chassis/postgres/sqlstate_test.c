/* Which SQLSTATEs blame the item, which the session, and which only say: later. */
#include "chassis/postgres/sqlstate.h"

static void test_faults_of_an_item(void)
{
    static const char *const states[] = {
        "21000", /* cardinality_violation */
        "22001", /* string_data_right_truncation */
        "22003", /* numeric_value_out_of_range */
        "22021", /* character_not_in_repertoire */
        "22P02", /* invalid_text_representation */
        "23502", /* not_null_violation */
        "23503", /* foreign_key_violation */
        "23505", /* unique_violation */
        "23514", /* check_violation */
        "44000", /* with_check_option_violation */
        "54000", /* program_limit_exceeded */
        "P0001", /* raise_exception */
    };
    for (size_t i = 0; i < G_N_ELEMENTS(states); i++) {
        g_test_message("%s", states[i]);
        g_assert_cmpint(ch_pg_blame(states[i]), ==, CH_PG_BLAME_ITEM);
        g_assert_cmpint(ch_pg_error_class(states[i]), ==, CH_ERROR_FAILED);
    }
}

static void assert_blame(const char *const *states, size_t n, ChPgBlame blame)
{
    for (size_t i = 0; i < n; i++) {
        g_test_message("%s", states[i] != NULL ? states[i] : "no SQLSTATE");
        g_assert_cmpint(ch_pg_blame(states[i]), ==, blame);
        g_assert_cmpint(ch_pg_error_class(states[i]), ==, CH_ERROR_UNAVAILABLE);
    }
}

static void test_faults_of_a_session(void)
{
    static const char *const states[] = {
        NULL,    /* the connection broke */
        "",      /* none */
        "08000", /* connection_exception */
        "08006", /* connection_failure */
        "0A000", /* feature_not_supported: a cached plan must not change its result type */
        "25006", /* read_only_sql_transaction: a standby */
        "25P02", /* in_failed_sql_transaction */
        "26000", /* invalid_sql_statement_name: a pooler forgot it */
        "28P01", /* invalid_password: it is being rotated */
        "3D000", /* invalid_catalog_name: not yet migrated */
        "42501", /* insufficient_privilege */
        "42703", /* undefined_column */
        "42P01", /* undefined_table: a deployment in progress */
        "42P05", /* duplicate_prepared_statement: a pooler gave us another's session */
        "F0000", /* config_file_error */
        "XX000", /* internal_error */
    };
    assert_blame(states, G_N_ELEMENTS(states), CH_PG_BLAME_SESSION);
}

static void test_faults_of_a_moment(void)
{
    static const char *const states[] = {
        "40001", /* serialization_failure */
        "40P01", /* deadlock_detected */
        "53100", /* disk_full */
        "53200", /* out_of_memory */
        "53300", /* too_many_connections */
        "55P03", /* lock_not_available */
        "57014", /* query_canceled: a time-out */
        "57P01", /* admin_shutdown */
        "57P03", /* cannot_connect_now */
        "58030", /* io_error */
    };
    assert_blame(states, G_N_ELEMENTS(states), CH_PG_BLAME_MOMENT);
}

/* libpq of Debian 12 and 13, of a name with two addresses where nobody listens. */
char *PQerrorMessage(const PGconn *conn G_GNUC_UNUSED)
{
    static char text[] = "connection to server at \"localhost\" (::1), port 1 failed: Connection "
                         "refused\n\tIs the server running on that host and accepting TCP/IP "
                         "connections?\nconnection to server at \"localhost\" (127.0.0.1), port 1 "
                         "failed: Connection refused\n";
    return text;
}

static void test_a_reason_is_one_line(void)
{
    g_autofree char *reason = ch_pg_reason(NULL);
    g_assert_cmpstr(reason, ==,
                    "connection to server at \"localhost\" (::1), port 1 failed: Connection "
                    "refused; Is the server running on that host and accepting TCP/IP "
                    "connections?; connection to server at \"localhost\" (127.0.0.1), port 1 "
                    "failed: Connection refused");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/sqlstate/faults-of-an-item", test_faults_of_an_item);
    g_test_add_func("/sqlstate/faults-of-a-session", test_faults_of_a_session);
    g_test_add_func("/sqlstate/faults-of-a-moment", test_faults_of_a_moment);
    g_test_add_func("/sqlstate/a-reason-is-one-line", test_a_reason_is_one_line);
    return g_test_run();
}
