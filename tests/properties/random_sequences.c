/* Random sequences over the use cases and stores in memory. A failing one is cut down and printed
 * with the seed that makes it again. */
#include "invariants.h"
#include "memory.h"

#include "chassis/core/log.h"

#include <stdio.h>
#include <string.h>

/* How the orders of all sequences ended: a run that reached nothing shows nothing. */
typedef struct {
    int64_t steps, failed;
    int64_t reservations[STOCK_RESERVATION_CANCELLED + 1];
    int64_t confirmed;
} Reached;

static char *run_step(Memory *memory, const Sequence *sequence, const Step *step,
                      Delivered *delivered, Reached *reached)
{
    const Stores stores = { &memory->orders->base, &memory->stock->base, memory->run };
    Facts before, after;
    Answers answers;
    g_autoptr(GError) error = NULL;
    memory_facts(memory, &before);
    memory_begin(memory, step->fails_at);
    reached->steps++;
    if (step_apply(&stores, &before, sequence, step, &answers, &error)) {
        step_delivers(step, &before, delivered);
    } else {
        memory_rollback(memory);
        reached->failed++;
        if (!ch_error_is_unavailable(error))
            return g_strdup_printf("the use case failed: %s", error->message);
    }
    memory_facts(memory, &after);
    return invariants_broken(sequence, step, &before, &after);
}

static char *run_steps(Memory *memory, const Sequence *sequence, Delivered *delivered,
                       Reached *reached)
{
    for (unsigned i = 0; i < sequence->n; i++) {
        char *broken = run_step(memory, sequence, &sequence->steps[i], delivered, reached);
        if (broken != NULL)
            return broken;
    }
    return NULL;
}

static char *drain(Memory *memory, const Sequence *sequence, Delivered *delivered, Reached *reached)
{
    Sequence rest;
    sequence_drain(&rest, sequence, delivered);
    char *broken = run_steps(memory, &rest, delivered, reached);
    if (broken != NULL)
        return broken;
    Facts facts;
    memory_facts(memory, &facts);
    return invariants_broken_at_end(sequence, &facts);
}

/* NULL, or what is wrong. */
static char *run_sequence(const Sequence *sequence, Bug bug, Reached *reached)
{
    Memory memory;
    Delivered delivered = { 0 };
    memory_init(&memory, 0, bug);
    char *broken = run_steps(&memory, sequence, &delivered, reached);
    if (broken == NULL)
        broken = drain(&memory, sequence, &delivered, reached);
    Facts facts;
    memory_facts(&memory, &facts);
    for (unsigned order = 0; order < ORDERS; order++) {
        reached->reservations[facts.stock[order].reservation]++;
        reached->confirmed += facts.orders[order].status == ORDER_CONFIRMED;
    }
    memory_clear(&memory);
    return broken;
}

static bool fails(const Sequence *sequence, Bug bug)
{
    Reached ignored = { 0 };
    g_autofree char *broken = run_sequence(sequence, bug, &ignored);
    return broken != NULL;
}

/* The sequence without one thing: a step, an item of a step, or the failure of a call.
 * False when there is no such thing. */
static bool without(Sequence *sequence, unsigned step, unsigned thing)
{
    Step *shorter = &sequence->steps[step];
    if (thing == 0) {
        sequence->n--;
        memmove(shorter, shorter + 1, (sequence->n - step) * sizeof *shorter);
    } else if (thing == 1) {
        if (shorter->fails_at == 0)
            return false;
        shorter->fails_at = 0;
    } else {
        unsigned item = thing - 2;
        if (item >= shorter->n || shorter->n == 1)
            return false;
        shorter->n--;
        memmove(&shorter->numbers[item], &shorter->numbers[item + 1],
                (shorter->n - item) * sizeof *shorter->numbers);
    }
    return true;
}

/* Leaves out everything without which it fails all the same. */
static void shrink(Sequence *sequence, Bug bug)
{
    for (bool shorter = true; shorter;) {
        shorter = false;
        for (unsigned step = sequence->n; step > 0; step--) {
            for (unsigned thing = 0; step <= sequence->n && thing < 2 + MAX_BATCH; thing++) {
                Sequence trial = *sequence;
                if (!without(&trial, step - 1, thing) || !fails(&trial, bug))
                    continue;
                *sequence = trial;
                shorter = true;
            }
        }
    }
}

static void print_failure(const Sequence *failing, Bug bug, uint32_t seed)
{
    Reached ignored = { 0 };
    Sequence sequence = *failing;
    shrink(&sequence, bug);
    g_autofree char *broken = run_sequence(&sequence, bug, &ignored);
    printf("%s\n", broken);
    for (unsigned i = 0; i < sequence.n; i++) {
        g_autofree char *text = step_text(&sequence.steps[i]);
        printf("  %s\n", text);
    }
    printf("  then every event that did not come yet\nagain: --seed %u --sequences 1%s%s\n", seed,
           bug == BUG_NONE ? "" : " --bug ", bug == BUG_NONE ? "" : bug_names[bug]);
}

static void print_reached(const Reached *reached)
{
    printf("%" G_GINT64_FORMAT " steps, %" G_GINT64_FORMAT " failed and rolled back\n"
           "orders: %" G_GINT64_FORMAT " confirmed, %" G_GINT64_FORMAT " refused, %" G_GINT64_FORMAT
           " given back, %" G_GINT64_FORMAT " cancelled before they came\n",
           reached->steps, reached->failed, reached->confirmed,
           reached->reservations[STOCK_RESERVATION_REFUSED],
           reached->reservations[STOCK_RESERVATION_RELEASED],
           reached->reservations[STOCK_RESERVATION_CANCELLED]);
}

int main(int argc, char **argv)
{
    int64_t seed = g_random_int();
    int64_t sequences = 100000;
    g_autofree char *bug_name = NULL;
    Bug bug = BUG_NONE;
    const GOptionEntry entries[] = {
        { "seed", 0, 0, G_OPTION_ARG_INT64, &seed, "of the first sequence", "N" },
        { "sequences", 0, 0, G_OPTION_ARG_INT64, &sequences, "how many", "N" },
        { "bug", 0, 0, G_OPTION_ARG_STRING, &bug_name, "a bug of the stores", "NAME" },
        { NULL, 0, 0, 0, NULL, NULL, NULL },
    };
    g_autoptr(GOptionContext) options = g_option_context_new(NULL);
    g_autoptr(GError) error = NULL;
    g_option_context_add_main_entries(options, entries, NULL);
    if (!g_option_context_parse(options, &argc, &argv, &error) || !bug_parse(bug_name, &bug)) {
        fprintf(stderr, "%s\n", error != NULL ? error->message : "there is no such bug");
        return 2;
    }
    ch_log_init("random-sequences", CH_LOG_ERROR);
    printf("%" G_GINT64_FORMAT " sequences from seed %u\n", sequences, (uint32_t)seed);
    Reached reached = { 0 };
    for (int64_t i = 0; i < sequences; i++) {
        Sequence sequence;
        sequence_make(&sequence, (uint32_t)(seed + i));
        g_autofree char *broken = run_sequence(&sequence, bug, &reached);
        if (broken == NULL)
            continue;
        print_failure(&sequence, bug, (uint32_t)(seed + i));
        return 1;
    }
    print_reached(&reached);
    return 0;
}
