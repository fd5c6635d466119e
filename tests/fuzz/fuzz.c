/* Cutting inputs, and assertions that several targets need. */
#include "fuzz.h"

#include <sanitizer/allocator_interface.h>
#include <string.h>

void fuzz_bytes(FuzzInput *input, void *bytes, size_t n)
{
    size_t taken = MIN(n, input->left);
    memset(bytes, 0, n);
    if (taken > 0)
        memcpy(bytes, input->at, taken);
    input->at += taken;
    input->left -= taken;
}

uint8_t fuzz_byte(FuzzInput *input)
{
    uint8_t byte = 0;
    fuzz_bytes(input, &byte, 1);
    return byte;
}

uint64_t fuzz_u64(FuzzInput *input)
{
    uint64_t wire = 0;
    fuzz_bytes(input, &wire, sizeof wire);
    return GUINT64_FROM_BE(wire);
}

char *fuzz_text(FuzzInput *input)
{
    const uint8_t *zero = input->left > 0 ? memchr(input->at, 0, input->left) : NULL;
    size_t n = zero == NULL ? input->left : (size_t)(zero - input->at);
    char *text = g_malloc(n + 1);
    fuzz_bytes(input, text, n);
    text[n] = '\0';
    if (zero != NULL)
        fuzz_byte(input);
    return text;
}

char *fuzz_utf8(FuzzInput *input)
{
    g_autofree char *text = fuzz_text(input);
    return g_utf8_make_valid(text, -1);
}

uint8_t *fuzz_rest(FuzzInput *input, size_t *n)
{
    *n = input->left;
    uint8_t *bytes = malloc(input->left); /* of zero bytes too, where g_malloc() gives NULL */
    g_assert(bytes != NULL);
    fuzz_bytes(input, bytes, *n);
    return bytes;
}

size_t fuzz_heap_bytes(void)
{
    return __sanitizer_get_current_allocated_bytes();
}

bool fuzz_is_printable(const char *text)
{
    if (text == NULL)
        return true;
    for (const char *c = text; *c != '\0'; c++) {
        if (g_ascii_iscntrl(*c))
            return false;
    }
    return g_utf8_validate(text, -1, NULL);
}

void fuzz_assert_error(const GError *error, ChErrorCode code, size_t max_bytes)
{
    g_assert_error(error, CH_ERROR, (int)code);
    g_assert_true(fuzz_is_printable(error->message));
    g_assert_cmpuint(strlen(error->message), >, 0);
    g_assert_cmpuint(strlen(error->message), <=, max_bytes);
}
