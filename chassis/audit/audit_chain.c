/* Each transaction's link is made of the link before it, which is in its row: so each is checked by
 * itself, and a piece of them in one statement. */
#include "chassis/audit/audit_chain.h"

#include "chassis/audit/audit_digest.h"

/* The row that the piece begins behind. The first row of a log that was archived keeps its link for
 * the next one; what it was made of is no longer here. */
#define BEHIND                                                                                     \
    "(case $1 when '' then coalesce((select case when number > 1 and link is not null then number" \
    " else 0 end from audit_log order by number limit 1), 0) else $1::bigint end)"

/* $1 number of the row behind which to begin, which has a link; $2 how many rows. What is not the
 * whole of a transaction, because the piece ends there, is left to the next one. */
/* clang-format off */
const ChPgStatement ch_audit_look_at_chain = {
    "with piece as materialized ("
    "  select number, link, " CH_AUDIT_SHA256_OF(CH_AUDIT_ROW_TEXTS) " as digest,"
    "    case when salt is null then address is not null or why is not null"
    "      else " CH_AUDIT_ERASABLE_SHA256 " is distinct from erasable_sha256 end as is_rewritten"
    "  from audit_log where number > " BEHIND " order by number limit $2),"
    " size as materialized (select count(*) as n, max(number) as last from piece),"
    " placed as materialized ("
    "  select *, min(number) filter (where link is not null)"
    "    over (order by number rows between current row and unbounded following) as ends"
    "  from piece),"
    " linked as ("
    "  select ends, min(number) as first, count(*) as n,"
    "    string_agg(digest, ''::bytea order by number) as digests,"
    "    min(number) filter (where is_rewritten) as rewritten"
    "  from placed where ends is not null group by ends),"
    " chained as materialized ("
    "  select l.*, coalesce(lag(ends) over (order by ends), " BEHIND ") as behind from linked l),"
    " judged as ("
    "  select ends as number,"
    "    case when first = ends then 'row ' || ends else 'rows ' || first || ' to ' || ends end"
    "      as subject,"
    "    case when n <> ends - behind then 'rows between ' || behind || ' and ' || ends"
    "        || ' are missing'"
    "      when sha256(coalesce((select p.link from audit_log p where p.number = c.behind), '')"
    "        || digests) is distinct from (select e.link from audit_log e where e.number = c.ends)"
    "        then 'not what was written'"
    "      when rewritten is not null then 'the address or reason of row ' || rewritten"
    "        || ' is not what was written' end as fault"
    "  from chained c),"
    /* of the whole log, where the piece ends with it */
    " tail as ("
    "  select coalesce((select max(number) from judged), " BEHIND ") as number, 'the newest rows'"
    "      as subject,"
    "    case when exists (select from placed where ends is null)"
    "        then 'the end of their transaction is missing'"
    "      when h.number <> coalesce(s.last, " BEHIND ")"
    "        then 'the head says ' || h.number || ', the last row is '"
    "          || coalesce(s.last, " BEHIND ")"
    "      when h.link is distinct from coalesce("
    "          (select t.link from audit_log t where t.number = h.number), '')"
    "        then 'the last link is not that of the head' end as fault"
    "  from audit_head h, size s where s.n < $2),"
    " all_of_it as ("
    "  select number, 0 as place, subject, fault from judged"
    "  union all select number, 1, subject, fault from tail"
    /* a transaction longer than the piece: the next one is longer */
    "  union all select " BEHIND ", 0, null, null from size where n = $2"
    "    and not exists (select from judged))"
    /* what is left without a link at the end is looked at once in a lap */
    " select number::text, (select case when n < $2 and not exists (select from judged) then 0"
    "   else n end from size), subject, fault from ("
    "   select *, row_number() over (order by number desc, place desc) as from_end from all_of_it"
    "  ) as a"
    " where fault is not null or from_end = 1 order by from_end desc",
    { CH_PG_TEXT, CH_PG_INT },
};
/* clang-format on */
