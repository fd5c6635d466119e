/* stat() and what it tells. */
#include "chassis/core/file_mark.h"

#include <sys/stat.h>

bool ch_file_mark_take(const char *path, ChFileMark *mark)
{
    struct stat found;
    if (stat(path, &found) != 0)
        return false;
    *mark = (ChFileMark){ found.st_dev, found.st_ino, found.st_size,
                          (int64_t)found.st_mtim.tv_sec * 1000000000 + found.st_mtim.tv_nsec };
    return true;
}

bool ch_file_mark_same(const ChFileMark *a, const ChFileMark *b)
{
    return a->device == b->device && a->number == b->number && a->bytes == b->bytes &&
           a->changed_ns == b->changed_ns;
}
