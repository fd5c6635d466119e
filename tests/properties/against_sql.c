/* The same random sequences on the stores in memory and on those of PostgreSQL: after each step
 * both must have given the same answers and hold the same facts. So what random_sequences.c shows
 * of the memory holds of the SQL. ORDERS_URL and STOCK_URL name two databases that nobody else
 * uses. */
#include "invariants.h"
#include "memory.h"
#include "sql.h"

#include "chassis/core/log.h"
#include "chassis/postgres/pipeline.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Does on the SQL what was done in the memory; a transaction that failed there is undone here. */
static bool repeat_in_sql(Sql *sql, const Stores *stores, const Facts *before,
                          const Sequence *sequence, const Step *step, bool committed,
                          Answers *answers, GError **error)
{
    ChPg *pg = step_is_of_orders(step->kind) ? sql->orders_pg : sql->stock_pg;
    bool done = sql_begin(pg, error) &&
                step_apply(stores, before, sequence, step, answers, error) &&
                (committed ? ch_pg_commit(pg, error) : ch_pg_wait(pg, error));
    if (!done || !committed)
        ch_pg_rollback(pg);
    return done;
}

static char *compare(const Answers *ours, const Answers *theirs, const Facts *memory,
                     const Facts *sql)
{
    if (memcmp(ours, theirs, sizeof *ours) != 0)
        return g_strdup("the answers differ");
    if (memcmp(memory->orders, sql->orders, sizeof memory->orders) != 0)
        return g_strdup("the orders differ");
    if (memcmp(memory->stock, sql->stock, sizeof memory->stock) != 0)
        return g_strdup("the reservations, the ledger or the events of the stock differ");
    if (memcmp(memory->products, sql->products, sizeof memory->products) != 0)
        return g_strdup("the products differ");
    return memory->strays == sql->strays ? NULL : g_strdup("the strays differ");
}

/* NULL, or how the two differ. */
static char *run_step(Memory *memory, Sql *sql, const Sequence *sequence, const Step *step)
{
    const Stores here = { &memory->orders->base, &memory->stock->base, memory->run };
    const Stores there = { sql->orders, sql->stock, memory->run };
    Facts before, here_after, there_after;
    Answers ours, theirs;
    g_autoptr(GError) failure = NULL;
    g_autoptr(GError) error = NULL;
    memory_facts(memory, &before);
    memory_begin(memory, step->fails_at);
    bool committed = step_apply(&here, &before, sequence, step, &ours, &failure);
    if (!committed)
        memory_rollback(memory);
    if (!repeat_in_sql(sql, &there, &before, sequence, step, committed, &theirs, &error) ||
        !sql_facts(sql, memory->run, &there_after, &error))
        return g_strdup_printf("the database fails: %s", error->message);
    memory_facts(memory, &here_after);
    return compare(&ours, committed ? &theirs : &ours, &here_after, &there_after);
}

static char *run_sequence(const Sequence *sequence, Sql *sql, unsigned run, Bug bug)
{
    Memory memory;
    g_autofree char *difference = NULL;
    unsigned i = 0;
    memory_init(&memory, run, bug);
    while (i < sequence->n && difference == NULL)
        difference = run_step(&memory, sql, sequence, &sequence->steps[i++]);
    memory_clear(&memory);
    if (difference == NULL)
        return NULL;
    g_autofree char *text = step_text(&sequence->steps[i - 1]);
    return g_strdup_printf("step %u, %s: %s", i - 1, text, difference);
}

/* Status 1 when the two differ. */
static int run_all(Sql *sql, int64_t seed, int64_t sequences, Bug bug)
{
    for (int64_t i = 0; i < sequences; i++) {
        Sequence sequence;
        g_autoptr(GError) error = NULL;
        sequence_make(&sequence, (uint32_t)(seed + i));
        if (!sql_forget_events(sql, &error)) {
            fprintf(stderr, "%s\n", error->message);
            return 2;
        }
        g_autofree char *difference = run_sequence(&sequence, sql, (unsigned)i + 1, bug);
        if (difference == NULL)
            continue;
        printf("%s\nagain, on empty databases: --seed %u --sequences 1\n", difference,
               (uint32_t)(seed + i));
        return 1;
    }
    printf("the stores in memory and those of PostgreSQL agree\n");
    return 0;
}

int main(int argc, char **argv)
{
    int64_t seed = g_random_int();
    int64_t sequences = 200;
    g_autofree char *bug_name = NULL;
    Bug bug = BUG_NONE;
    const GOptionEntry entries[] = {
        { "seed", 0, 0, G_OPTION_ARG_INT64, &seed, "of the first sequence", "N" },
        { "sequences", 0, 0, G_OPTION_ARG_INT64, &sequences, "how many", "N" },
        { "bug", 0, 0, G_OPTION_ARG_STRING, &bug_name, "a bug of the stores in memory", "NAME" },
        { NULL, 0, 0, 0, NULL, NULL, NULL },
    };
    g_autoptr(GOptionContext) options = g_option_context_new(NULL);
    g_autoptr(GError) error = NULL;
    const char *orders_url = getenv("ORDERS_URL");
    const char *stock_url = getenv("STOCK_URL");
    g_option_context_add_main_entries(options, entries, NULL);
    if (!g_option_context_parse(options, &argc, &argv, &error) || !bug_parse(bug_name, &bug) ||
        orders_url == NULL || stock_url == NULL) {
        fprintf(stderr, "%s\n",
                error != NULL ? error->message : "ORDERS_URL, STOCK_URL or the bug is missing");
        return 2;
    }
    ch_log_init("against-sql", CH_LOG_ERROR);
    printf("%" G_GINT64_FORMAT " sequences from seed %u\n", sequences, (uint32_t)seed);
    Sql sql;
    sql_init(&sql, orders_url, stock_url);
    int status = run_all(&sql, seed, sequences, bug);
    sql_clear(&sql);
    return status;
}
