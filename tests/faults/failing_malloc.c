/* LD_PRELOAD: every so many allocations of the process one finds no memory, whoever asks for it.
 * FAILING_MALLOC_EVERY says how many; each failure is told on standard error. */
#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* glibc's own, under the names that nobody interposes. */
extern void *__libc_malloc(size_t bytes);
extern void *__libc_calloc(size_t n, size_t bytes);
extern void *__libc_realloc(void *block, size_t bytes);

static atomic_long every; /* 0: none fails */
static atomic_long count;

__attribute__((constructor)) static void read_every(void)
{
    const char *text = getenv("FAILING_MALLOC_EVERY");
    every = text == NULL ? 0 : strtol(text, NULL, 10);
}

static int fails(void)
{
    static const char told[] = "failing_malloc: no memory\n";
    if (every == 0 || ++count % every != 0)
        return 0;
    ssize_t ignored = write(STDERR_FILENO, told, sizeof told - 1);
    (void)ignored;
    errno = ENOMEM;
    return 1;
}

void *malloc(size_t bytes)
{
    return fails() ? NULL : __libc_malloc(bytes);
}

void *calloc(size_t n, size_t bytes)
{
    return fails() ? NULL : __libc_calloc(n, bytes);
}

void *realloc(void *block, size_t bytes)
{
    return fails() ? NULL : __libc_realloc(block, bytes);
}
