/* The log as a file in memory. */
#include "sink.h"

#include "chassis/core/log.h"

#include <sys/mman.h>
#include <unistd.h>

static int sink = -1;

void fuzz_sink_open(const char *process)
{
    sink = memfd_create("log", MFD_CLOEXEC);
    g_assert_cmpint(sink, >=, 0);
    ch_log_init(process, CH_LOG_DEBUG);
    ch_log_set_output(sink);
}

char *fuzz_sink_take(void)
{
    off_t n = lseek(sink, 0, SEEK_CUR);
    g_assert_cmpint(n, >=, 0);
    char *text = g_malloc((size_t)n + 1);
    g_assert_cmpint(pread(sink, text, (size_t)n, 0), ==, n);
    text[n] = '\0';
    g_assert_cmpint(ftruncate(sink, 0), ==, 0);
    g_assert_cmpint(lseek(sink, 0, SEEK_SET), ==, 0);
    return text;
}
