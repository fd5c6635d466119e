/* A lane's unit of work: a transaction on a connection that heals. */
#pragma once

#include "chassis/core/work.h"
#include "chassis/postgres/pipeline.h"

/** @pg as a unit of work, which belongs to it: connects where need be, and begins. */
ChWork *ch_pg_work(ChPg *pg);
