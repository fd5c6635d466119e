/* The note that the linker leaves in a program, as the loader mapped it. */
#include "chassis/core/build.h"

#include "chassis/core/hex.h"

#include <elf.h>
#include <glib.h>
#include <link.h>
#include <string.h>

enum {
    MAX_ID_BYTES = 32, /* a SHA-1 has 20 */
    NOTE_ALIGN = 4,
};

/* ---- notes ---- */

static size_t aligned(size_t bytes)
{
    return (bytes + NOTE_ALIGN - 1) & ~(size_t)(NOTE_ALIGN - 1);
}

/* True when the build id is among the notes of a segment; then it is in @hex. */
static bool find_id(const uint8_t *notes, size_t bytes, char hex[2 * MAX_ID_BYTES + 1])
{
    while (bytes >= sizeof(ElfW(Nhdr))) {
        ElfW(Nhdr) head;
        memcpy(&head, notes, sizeof head);
        size_t id_at = sizeof head + aligned(head.n_namesz);
        size_t next_at = id_at + aligned(head.n_descsz);
        if (next_at > bytes)
            return false;
        if (head.n_type == NT_GNU_BUILD_ID && head.n_namesz == sizeof ELF_NOTE_GNU &&
            memcmp(notes + sizeof head, ELF_NOTE_GNU, sizeof ELF_NOTE_GNU) == 0) {
            size_t id_bytes = MIN(head.n_descsz, (size_t)MAX_ID_BYTES);
            ch_hex_write(notes + id_at, id_bytes, hex);
            hex[2 * id_bytes] = '\0';
            return true;
        }
        notes += next_at;
        bytes -= next_at;
    }
    return false;
}

/* The first object is the program itself: 1 ends the walk. */
static int look_at_program(struct dl_phdr_info *object, size_t bytes, void *hex)
{
    (void)bytes;
    for (int i = 0; i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
        uintptr_t address = object->dlpi_addr + segment->p_vaddr;
        if (segment->p_type == PT_NOTE && find_id((const uint8_t *)address, segment->p_memsz, hex))
            break;
    }
    return 1;
}

void ch_build_name(char text[CH_BUILD_TEXT_BYTES])
{
    char hex[2 * MAX_ID_BYTES + 1] = "unknown";
    dl_iterate_phdr(look_at_program, hex);
    g_snprintf(text, CH_BUILD_TEXT_BYTES, "%s %s", CARTWHEEL_VERSION, hex);
}
