"""What is in deploy/grafana."""

import json

from rules import ROOT

FOLDER = ROOT / "deploy" / "grafana"
FILES = sorted(FOLDER.glob("*.json"))

# What the panels ask of others: postgres_exporter, from 0.11 on, and RabbitMQ's plugin rabbitmq_prometheus, from 3.10 on.
OF_OTHERS = {
    "up",
    "pg_up", "pg_stat_activity_count", "pg_stat_activity_max_tx_duration", "pg_locks_count", "pg_database_size_bytes",
    "pg_stat_database_xact_commit", "pg_stat_database_xact_rollback", "pg_stat_database_blks_hit", "pg_stat_database_blks_read",
    "pg_stat_database_deadlocks", "pg_stat_database_tup_inserted", "pg_stat_database_tup_updated", "pg_stat_database_tup_deleted",
    "rabbitmq_alarms_memory_used_watermark", "rabbitmq_alarms_free_disk_space_watermark", "rabbitmq_alarms_file_descriptor_limit",
    "rabbitmq_process_resident_memory_bytes", "rabbitmq_resident_memory_limit_bytes", "rabbitmq_disk_space_available_bytes",
    "rabbitmq_disk_space_available_limit_bytes", "rabbitmq_connections", "rabbitmq_connections_opened_total",
    "rabbitmq_connections_closed_total", "rabbitmq_queue_messages", "rabbitmq_global_messages_received_total",
    "rabbitmq_global_messages_confirmed_total", "rabbitmq_global_messages_redelivered_total",
    "rabbitmq_detailed_queue_messages", "rabbitmq_detailed_queue_messages_ready", "rabbitmq_detailed_queue_messages_unacked",
    "rabbitmq_detailed_queue_consumers",
}  # fmt: skip


def read(path):
    return json.loads(path.read_text(encoding="utf-8"))


def panels(dashboard):
    """Those that show something: no headings."""
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


def expressions():
    """(dashboard and panel, expression as Prometheus understands it) of every line of every panel."""
    return [(f"{path.stem}: {panel['title']}", target["expr"].replace("$__rate_interval", "5m"))
            for path in FILES for panel in panels(read(path)) for target in panel["targets"]]
