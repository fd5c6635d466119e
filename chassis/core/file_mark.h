/* Whether a file is another one than before: by its number, its size and its time, for a mounted
 * secret is a link that is set anew. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/** Zeroed: of no file. */
typedef struct {
    dev_t device;
    ino_t number;
    off_t bytes;
    int64_t changed_ns;
} ChFileMark;

/** Takes it before reading, so that a change meanwhile is seen. False: the file cannot be looked
 * at. */
bool ch_file_mark_take(const char *path, ChFileMark *mark);

bool ch_file_mark_same(const ChFileMark *a, const ChFileMark *b);
