/* Of what the digests of the audit log are made, for its own statements: columns of audit_log, or
 * what becomes them. */
#pragma once

/** A JSON array of texts, which whoever checks it writes the same way. */
#define CH_AUDIT_SHA256_OF(texts) "sha256(convert_to(json_build_array(" texts ")::text, 'UTF8'))"

#define CH_AUDIT_ROW_TEXTS                                                                         \
    "id::text, (extract(epoch from happened_at) * 1000000)::bigint::text,"                         \
    " subject, roles, scope, token_id, action, object, object_id::text,"                           \
    " before::text, after::text, trace_id, encode(erasable_sha256, 'hex')"

/** Null without a salt: there never was an address or a reason, or they are erased. */
#define CH_AUDIT_ERASABLE_SHA256                                                                   \
    "sha256(salt || convert_to(json_build_array(address, why)::text, 'UTF8'))"
