/* Names of scopes and roles. */
#include "chassis/identity/scopes.h"

#include <stdbool.h>
#include <string.h>

static uint64_t scope_of_word(const ChScopes *scopes, const char *word, size_t bytes)
{
    for (size_t i = 1; i < scopes->names_n; i++) {
        if (strlen(scopes->names[i]) == bytes && memcmp(scopes->names[i], word, bytes) == 0)
            return CH_SCOPE(i);
    }
    return 0;
}

uint64_t ch_scopes_of_words(const ChScopes *scopes, const char *words)
{
    uint64_t found = 0;
    while (*words != '\0') {
        size_t bytes = strcspn(words, " ");
        if (bytes > 0)
            found |= scope_of_word(scopes, words, bytes);
        words += bytes + (words[bytes] == ' ');
    }
    return found;
}

uint64_t ch_scopes_of_role(const ChScopes *scopes, const char *name)
{
    for (size_t i = 0; i < scopes->roles_n; i++) {
        if (strcmp(scopes->roles[i].name, name) == 0)
            return scopes->roles[i].scopes;
    }
    return 0;
}
