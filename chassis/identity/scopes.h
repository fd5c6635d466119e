/* What a service calls its scopes, and which of them a role has: constants of the service.
 *
 * A token says what its bearer may do by names: of scopes (the claim "scope", RFC 9068, section
 * 2.2.3) and of roles (the claim "roles", section 2.2.3.1). A service knows its own scopes alone.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum {
    CH_MAX_SCOPES = 64,
};

/** The set that holds the scope of this index alone. */
#define CH_SCOPE(index) (UINT64_C(1) << (index))

typedef struct {
    const char *name;
    uint64_t scopes; /* a set of CH_SCOPE() */
} ChRole;

typedef struct {
    const char *const *names; /* of the scopes, by index; names[0] is NULL: no scope has index 0 */
    size_t names_n;           /* CH_MAX_SCOPES at most */
    const ChRole *roles;
    size_t roles_n;
    int unlimited; /* the scope of those who may ask as often as they like; 0: nobody */
} ChScopes;

/** The scopes that @words, separated by spaces, name; names that we do not know are not ours. */
uint64_t ch_scopes_of_words(const ChScopes *scopes, const char *words);

/** The scopes of the role @name; none when we know no such role. */
uint64_t ch_scopes_of_role(const ChScopes *scopes, const char *name);
