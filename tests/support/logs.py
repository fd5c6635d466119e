"""What must never stand in a log of ours."""

BROKER_FAILED = "541 INTERNAL_ERROR"  # an answer that only a client's misuse or the broker's own fault can bring
# The others are reports of sanitizers, which write them into the log (leaks when the process ends), and of assertions.
NEVER_IN_A_LOG = ("ERROR: AddressSanitizer", "ERROR: LeakSanitizer", "WARNING: ThreadSanitizer", ": runtime error:",
                  "ERROR:../", "GLib-CRITICAL", BROKER_FAILED)
BEFORE, AFTER = 400, 4000  # characters that are shown around a report


def reports_in(name, log, may_log=()):
    """["log of order-api: ..."] for the first of each of them."""
    places = (log.find(report) for report in NEVER_IN_A_LOG if report not in may_log)
    return [f"log of {name}: {log[max(0, place - BEFORE):place + AFTER]}" for place in places if place >= 0]
