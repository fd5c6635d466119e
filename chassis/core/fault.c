/* Fault points: what FAULT_POINT asks for. Never part of a normal build. */
#include "chassis/core/fault.h"

#include <glib.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    MAX_POINTS = 8,
    EXIT_FAULT = 70,
    EVERY_TIME = 0,
};

typedef enum {
    ACTION_KILL,
    ACTION_EXIT,
    ACTION_PAUSE,
    ACTION_DELAY,
} Action;

typedef struct {
    char *name;
    char *lane; /* NULL: any */
    int64_t nth;
    Action action;
    int64_t delay_ms;
    atomic_int_least64_t reached;
} Point;

/* One plan a process: read once, then only the counters change. */
static struct {
    Point points[MAX_POINTS];
    size_t n;
} plan;

static pthread_once_t plan_once = PTHREAD_ONCE_INIT;

/* A test that asks for what there is not must not pass. */
static void give_up(const char *text)
{
    fprintf(stderr, "FAULT_POINT is not name[@lane][:nth][:kill|exit|pause|milliseconds]: %s\n",
            text);
    _exit(EXIT_FAULT);
}

static int64_t number(const char *text, const char *whole)
{
    guint64 value = 0;
    if (!g_ascii_string_to_unsigned(text, 10, 1, G_MAXINT32, &value, NULL))
        give_up(whole);
    return (int64_t)value;
}

static void read_action(Point *point, const char *text, const char *whole)
{
    static const char *const names[] = {
        [ACTION_KILL] = "kill", [ACTION_EXIT] = "exit", [ACTION_PAUSE] = "pause"
    };
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        if (strcmp(text, names[i]) == 0) {
            point->action = (Action)i;
            return;
        }
    }
    point->action = ACTION_DELAY;
    point->delay_ms = number(text, whole);
}

static void read_point(Point *point, const char *text)
{
    g_auto(GStrv) parts = g_strsplit(text, ":", 3);
    g_auto(GStrv) place = g_strsplit(parts[0] != NULL ? parts[0] : "", "@", 2);
    if (place[0] == NULL || *place[0] == '\0')
        give_up(text);
    point->name = g_strdup(place[0]);
    point->lane = g_strdup(place[1]);
    point->nth = 1;
    if (parts[1] == NULL)
        return;
    point->nth = strcmp(parts[1], "*") == 0 ? EVERY_TIME : number(parts[1], text);
    if (parts[2] != NULL)
        read_action(point, parts[2], text);
}

static void read_plan(void)
{
    const char *faults = getenv("FAULT_POINT");
    if (faults == NULL || *faults == '\0')
        return;
    g_auto(GStrv) texts = g_strsplit(faults, ",", -1);
    if (g_strv_length(texts) > MAX_POINTS)
        give_up(faults);
    for (char **text = texts; *text != NULL; text++)
        read_point(&plan.points[plan.n++], *text);
}

/* A line for the test to wait for: whatever the action, it was reached. */
static void tell(const char *name, const char *lane)
{
    char line[256];
    int n = snprintf(line, sizeof line, "fault point %s reached on %s\n", name,
                     lane != NULL ? lane : "no lane");
    ssize_t ignored G_GNUC_UNUSED = write(STDERR_FILENO, line, MIN((size_t)n, sizeof line - 1));
}

static void act(const Point *point)
{
    switch (point->action) {
    case ACTION_KILL:
        kill(getpid(), SIGKILL);
        pause(); /* until it takes effect */
        return;
    case ACTION_EXIT:
        _exit(EXIT_FAULT);
    case ACTION_PAUSE:
        kill(getpid(), SIGSTOP);
        return;
    case ACTION_DELAY:
        g_usleep((gulong)point->delay_ms * 1000);
        return;
    }
}

void ch_fault_reached(const char *name, const char *lane)
{
    pthread_once(&plan_once, read_plan);
    for (size_t i = 0; i < plan.n; i++) {
        Point *point = &plan.points[i];
        if (strcmp(point->name, name) != 0 ||
            (point->lane != NULL && g_strcmp0(point->lane, lane) != 0))
            continue;
        int64_t reached = atomic_fetch_add(&point->reached, 1) + 1;
        if (point->nth != EVERY_TIME && point->nth != reached)
            continue;
        if (reached == 1 || point->nth == reached)
            tell(name, lane);
        act(point);
    }
}
