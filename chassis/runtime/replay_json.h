/* Replay jobs as answers. */
#pragma once

#include "chassis/messaging/replay_jobs.h"

/** Writes @job as a value; returns its id in a page. */
ChUuid ch_replay_json_add(GString *json, const ChReplayJob *job);

/** What the audit log keeps of @job while it is @state; new. */
GString *ch_replay_json_record(const ChReplayJob *job, ChReplayState state);
