/* Named places where a test can end, stop or delay this process.
 *
 * Only in a build with -Dfault_points=true; otherwise the macro is nothing. Such a build reads
 *   FAULT_POINT  name[@lane][:nth][:action], more of them separated by commas.
 * The nth time (from 1, the default; * is every time) that the point is reached, on that lane if
 * one is named, the action is taken: kill (SIGKILL, the default), exit (status 70), pause (SIGSTOP,
 * until somebody sends SIGCONT), or a number: sleep so many milliseconds. */
#pragma once

#ifdef CARTWHEEL_FAULT_POINTS

/** The point @name is reached, on the lane @lane (NULL: on none). Any thread. */
void ch_fault_reached(const char *name, const char *lane);

#define CH_FAULT_ON(name, lane) ch_fault_reached((name), (lane))

#else

#define CH_FAULT_ON(name, lane) ((void)0)

#endif
