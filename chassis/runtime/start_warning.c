/* Sentences of the checks. */
#include "chassis/runtime/start_warning.h"

#include "chassis/core/log.h"
#include "chassis/core/time.h"

#include <string.h>

enum {
    SOON_S = 30 * 24 * 60 * 60, /* before the end of a certificate, as the doctor has it */
};

static const struct {
    const char *name, *why, *fix;
} checks[] = {
    [CH_START_PASSWORDS] = { "settings.passwords", "whoever reaches the server gets in",
                             "change the password there (docs/deployment.md), then set it here" },
    [CH_START_PLAIN_TEXT] = { "settings.plain_text",
                              "passwords, tokens and orders can be read, and changed, on their way",
                              "sslmode=verify-full and sslrootcert in DATABASE_URL, amqps:// and"
                              " AMQP_CA_FILE, https:// (docs/operations.md, TLS)" },
    [CH_START_EXPIRY_FILES] = { "expiry.files",
                                "from its end on every connection that it is for is refused",
                                "put a new certificate in its place" },
    [CH_START_EXPIRY_KEYS] = { "expiry.keys",
                               "without its key no token is accepted, and every caller gets 401",
                               "put the issuer's new key beside the old one in AUTH_JWKS_FILE" },
    [CH_START_SCHEMA] = { "database.schema",
                          "a process is not ready before it finds the schema of its build",
                          "run the migrator of the build that runs" },
    [CH_START_RIGHTS] = { "database.rights",
                          "a service that is broken into must not open the others' data; one that"
                          " lacks a right retries for ever",
                          "alter role ... nosuperuser nocreaterole nocreatedb noreplication"
                          " nobypassrls; tables belong to the service's role" },
    [CH_START_DURABILITY] = { "server.durability",
                              "a crash of the machine loses orders that customers were told are"
                              " placed, or the whole database",
                              "alter system set ... = on, select pg_reload_conf(); look for a"
                              " setting of the role or the database" },
    [CH_START_POOLER] = { "database.pooler",
                          "prepared statements and settings of a session are then missing or"
                          " another's: the process is not ready",
                          "pool_mode = session (docs/deployment.md, Poolers)" },
    [CH_START_CLOCK] = { "server.clock",
                         "ids, deadlines, pauses and the order of events follow clocks: orders look"
                         " late, retries come early",
                         "let chrony or systemd-timesyncd set the clock of each machine" },
    [CH_START_CONNECTIONS] = { "server.connections",
                               "a process that starts, or comes back after an outage, gets none, "
                               "and"
                               " is not ready",
                               "raise max_connections or the role's limit, run fewer copies, or end"
                               " sessions that nobody uses" },
};
G_STATIC_ASSERT(G_N_ELEMENTS(checks) == CH_START_CHECKS_N);

const char *ch_start_check_name(ChStartCheck check)
{
    return checks[check].name;
}

bool ch_start_check_parse(const char *name, ChStartCheck *check)
{
    for (size_t i = 0; i < G_N_ELEMENTS(checks); i++) {
        if (strcmp(checks[i].name, name) == 0) {
            *check = (ChStartCheck)i;
            return true;
        }
    }
    return false;
}

void ch_start_warn(ChStartCheck check, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    g_autofree char *what = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    ch_log_warning("something is not as it has to be", CH_STR("check", checks[check].name),
                   CH_STR("what", what), CH_STR("why", checks[check].why),
                   CH_STR("fix", checks[check].fix));
}

void ch_start_warn_of_end(ChStartCheck check, const char *what, int64_t until_s)
{
    int64_t now_s = ch_time_now_us() / G_USEC_PER_SEC;
    char at[CH_TIME_TEXT_BYTES];
    if (until_s - now_s > SOON_S)
        return;
    ch_time_format(until_s * G_USEC_PER_SEC, at);
    ch_start_warn(check, "%s %s at %s", what, until_s <= now_s ? "has ended," : "ends soon,", at);
}
