/* Named places where a test can end, stop or delay this process, and known bugs that it can switch
 * on.
 *
 * Only in a build with -Dfault_points=true; otherwise both macros are nothing. Such a build reads
 *   FAULT_POINT  name[@lane][:nth][:action], more of them separated by commas. The nth time (from
 * 1, the default; * is every time) that the point is reached, on that lane if one is named, the
 * action is taken: kill (SIGKILL, the default), exit (status 70), pause (SIGSTOP, until somebody
 * sends SIGCONT), or a number: sleep so many milliseconds. SEEDED_BUG   the name of one bug. It
 * shows whether the tests would catch it. */
#pragma once

#include <glib.h>
#include <stdbool.h>

#ifdef CARTWHEEL_FAULT_POINTS

/** The point @name is reached, on the lane @lane (NULL: on none). Any thread. */
void ch_fault_reached(const char *name, const char *lane);

/** Whether SEEDED_BUG names @bug. Any thread. */
bool ch_fault_seeded(const char *bug);

#define CH_FAULT(name) ch_fault_reached((name), NULL)
#define CH_FAULT_ON(name, lane) ch_fault_reached((name), (lane))
#define CH_SEEDED_BUG(bug) G_UNLIKELY(ch_fault_seeded(bug))

#else

#define CH_FAULT(name) ((void)0)
#define CH_FAULT_ON(name, lane) ((void)0)
#define CH_SEEDED_BUG(bug) false

#endif
