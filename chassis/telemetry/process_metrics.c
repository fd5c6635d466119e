/* Reads /proc/self. */
#include "chassis/telemetry/process_metrics.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static void render(GString *text, const char *name, const char *type, const char *help,
                   double value)
{
    char digits[G_ASCII_DTOSTR_BUF_SIZE];
    g_string_append_printf(text, "# HELP %s %s\n# TYPE %s %s\n%s %s\n", name, help, name, type,
                           name, g_ascii_formatd(digits, sizeof(digits), "%.15g", value));
}

static bool cpu_seconds(double *value)
{
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) != 0)
        return false;
    *value = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
             (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / G_USEC_PER_SEC;
    return true;
}

static bool open_fds(double *value)
{
    DIR *directory = opendir("/proc/self/fd");
    if (directory == NULL)
        return false;
    int n = 0;
    for (const struct dirent *entry = readdir(directory); entry != NULL; entry = readdir(directory))
        n += entry->d_name[0] != '.';
    closedir(directory);
    *value = n - 1; /* not the one this reads through */
    return true;
}

static bool resident_bytes(double *value)
{
    FILE *file = fopen("/proc/self/statm", "re");
    if (file == NULL)
        return false;
    unsigned long resident = 0;
    bool ok = fscanf(file, "%*u %lu", &resident) == 1;
    fclose(file);
    *value = (double)resident * (double)sysconf(_SC_PAGESIZE);
    return ok;
}

/* Field 22 of stat: clock ticks from the boot to our start. The name, field 2, may hold anything
 * but ends at the last closing bracket. The time of the boot is a whole second that never changes,
 * so neither does what this gives. */
static bool start_seconds(double *value)
{
    g_autofree char *stat = NULL;
    g_autofree char *system = NULL;
    if (!g_file_get_contents("/proc/self/stat", &stat, NULL, NULL) ||
        !g_file_get_contents("/proc/stat", &system, NULL, NULL))
        return false;
    const char *field = strrchr(stat, ')');
    for (int i = 2; field != NULL && i < 22; i++)
        field = strchr(field + 1, ' ');
    const char *boot = strstr(system, "\nbtime ");
    if (field == NULL || boot == NULL)
        return false;
    double ticks = (double)g_ascii_strtoull(field, NULL, 10);
    *value = (double)g_ascii_strtoull(boot + strlen("\nbtime "), NULL, 10) +
             ticks / (double)sysconf(_SC_CLK_TCK);
    return true;
}

/* Whoever asks compares it with a clock of theirs. In milliseconds: render()'s digits are too few.
 */
static void render_clock(GString *text)
{
    g_string_append_printf(text,
                           "# HELP cartwheel_clock_seconds The clock of the process, Unix time.\n"
                           "# TYPE cartwheel_clock_seconds gauge\n"
                           "cartwheel_clock_seconds %.3f\n",
                           (double)g_get_real_time() / G_USEC_PER_SEC);
}

void ch_process_metrics_render(GString *text)
{
    double value = 0;
    g_string_append(text, "# HELP cartwheel_build_info What runs; always 1.\n"
                          "# TYPE cartwheel_build_info gauge\n"
                          "cartwheel_build_info{version=\"" CARTWHEEL_VERSION "\"} 1\n");
    render_clock(text);
    if (cpu_seconds(&value))
        render(text, "process_cpu_seconds_total", "counter", "User and system CPU time spent.",
               value);
    if (open_fds(&value))
        render(text, "process_open_fds", "gauge", "Open file descriptors.", value);
    if (resident_bytes(&value))
        render(text, "process_resident_memory_bytes", "gauge", "Resident memory.", value);
    if (start_seconds(&value))
        render(text, "process_start_time_seconds", "gauge", "Start of the process, Unix time.",
               value);
}
