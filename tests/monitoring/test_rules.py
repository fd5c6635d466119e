"""The alerts and objectives for Prometheus: each fires when it should, and keeps still otherwise."""

import re

import pytest
import yaml

from launcher.failures import NAMES as SWITCHES
from rules import FOLDER, RULE_FILES, alarmed, alerts, declared, documented, names_in, promtool, rules, shown

UP = '{job="cartwheel",process="order-api",instance="a:1"}'
API, WORKER, QUEUE = '{process="order-api"}', '{process="order-worker"}', '{queue="stock.ordercreated"}'
DAYS = 24 * 60             # minutes: a case as long as that is looked at twice an hour only
EVERY = {False: "1m", True: "30m"}
PLACING, LISTING = ('{process="order-api",route="%s /api/orders"}' % method for method in ("POST", "GET"))
STILL, GROWS = "5x60", "0+1x60"  # a counter that stands, and one that counts


def buckets(name, labels, fast, slow, bound):
    """A histogram that takes @fast observations below @bound and @slow beyond it, each minute."""
    inside = labels.rstrip("}") + ("," if len(labels) > 2 else "")
    return {f'{name}_bucket{inside}le="{bound}"}}': f"0+{fast}x5000", f'{name}_bucket{inside}le="10"}}': f"0+{fast + slow}x5000",
            f'{name}_bucket{inside}le="+Inf"}}': f"0+{fast + slow}x5000", f"{name}_count{labels}": f"0+{fast + slow}x5000"}


def slow_histogram(name, labels):
    return buckets(name, labels, 50, 50, 1), buckets(name, labels, 100, 0, 1)


def counter(name, labels):
    return {f"{name}{labels}": GROWS}, {f"{name}{labels}": STILL}


def gauge(name, labels, high, low):
    return {f"{name}{labels}": f"{high}x60"}, {f"{name}{labels}": f"{low}x60"}


def both(first, second):
    return tuple({**one, **other} for one, other in zip(first, second, strict=True))


# Alert -> (series with which it fires, series with which it does not) and the minutes until then.
CASES = {
    "CartwheelProcessAway": (*gauge("up", UP, 0, 1), 3),
    "CartwheelProcessRestarts": ({f"process_start_time_seconds{UP}": "1 2 3 4 5x20"}, {f"process_start_time_seconds{UP}": "1x20"}, 6),
    "CartwheelBuildsDiffer": (
        {f'cartwheel_build_info{{process="order-api",version="{version}"}}': "1x120" for version in ("1", "2")},
        {'cartwheel_build_info{process="order-api",version="1"}': "1x120", 'cartwheel_build_info{process="stock-api",version="2"}': "1x120"}, 70),
    "CartwheelSpansDropped": (*counter("cartwheel_spans_dropped_total", '{process="order-api",reason="unavailable"}'), 45),
    "CartwheelTokensOff": (*gauge("cartwheel_auth_off", API, 1, 0), 6),
    "CartwheelTokensRefused": (
        {'cartwheel_auth_tokens_total{process="order-api",outcome="refused"}': "0+3x60",
         'cartwheel_auth_tokens_total{process="order-api",outcome="cached"}': "0+7x60"},
        {'cartwheel_auth_tokens_total{process="order-api",outcome="refused"}': "0+1x60",
         'cartwheel_auth_tokens_total{process="order-api",outcome="cached"}': "0+99x60",
         'cartwheel_http_limited_total{process="order-api",of="writes"}': GROWS}, 20),
    "CartwheelCertificateEnds": (*gauge("cartwheel_http_certificate_expires_timestamp_seconds", API, 6 * 86400, 9 * 86400), 15),
    "CartwheelOrdersStuck": (*gauge("cartwheel_orders_stuck", WORKER, 3, 0), 15),
    "CartwheelOrdersAnnouncedAgain": (*counter("cartwheel_orders_announced_again_total", WORKER), 40),
    "CartwheelOutboxLate": (*gauge("cartwheel_outbox_oldest_seconds", WORKER, 61, 59), 5),
    "CartwheelOutboxUnconfirmed": (*both(gauge("cartwheel_outbox_pending", WORKER, 7, 7),
                                         counter("cartwheel_outbox_confirmed_total", WORKER)[::-1]), 15),
    "CartwheelOutboxParked": (*gauge("cartwheel_outbox_parked", WORKER, 1, 0), 2),
    "CartwheelPauseForgotten": (*gauge("cartwheel_control_paused_seconds", '{process="stock-worker",control="stock.ordercreated"}', 3601, 3599), 2),
    "CartwheelAuditShrank": ({f"cartwheel_audit_rows{WORKER}": "9x5 5x60"}, {f"cartwheel_audit_rows{WORKER}": "5x10 0x3 9x60"}, 12),
    "CartwheelAuditorFindings": (*gauge("cartwheel_auditor_findings", '{process="stock-worker",check="stock_ledger"}', 1, 0), 2),
    "CartwheelOutboxReturned": (*counter("cartwheel_outbox_returned_total", WORKER), 5),
    "CartwheelOutboxRefused": (*counter("cartwheel_outbox_refused_total", WORKER), 5),
    "CartwheelPublishingSlow": (*slow_histogram("cartwheel_outbox_publish_seconds", WORKER), 20),
    "CartwheelMessagesRetried": (*counter("cartwheel_messages_retried_total", QUEUE), 45),
    "CartwheelDeadLetters": (*counter("cartwheel_messages_dead_lettered_total", QUEUE), 5),
    "CartwheelHandlerSlow": (*slow_histogram("cartwheel_consumer_handler_seconds", QUEUE), 20),
    "CartwheelUnreadMessages": (*gauge("rabbitmq_detailed_queue_messages", '{queue="stock.ordercreated.unread"}', 1, 0), 2),
    "CartwheelNotificationsFailed": (*counter("cartwheel_notification_results_total", '{result="failed"}'), 5),
    "CartwheelNotificationFallback": (*counter("cartwheel_notification_fallback_total", ""), 5),
    "CartwheelSendingSlow": (buckets("cartwheel_notification_send_seconds", "{}", 50, 50, 5),
                             buckets("cartwheel_notification_send_seconds", "{}", 100, 0, 5), 25),
    "CartwheelWebhooksFailed": (*counter("cartwheel_webhook_results_total", '{result="failed"}'), 5),
    "CartwheelBreakerOpen": (*gauge("cartwheel_http_client_breaker_state", '{server="customers-1"}', 2, 1), 10),
    "CartwheelHttpErrors": (
        {'cartwheel_http_requests_total{process="order-api",status="5xx"}': "0+2x60",
         'cartwheel_http_requests_total{process="order-api",status="2xx"}': "0+98x60"},
        {'cartwheel_http_requests_total{process="order-api",status="5xx"}': "0+1x60",
         'cartwheel_http_requests_total{process="order-api",status="2xx"}': "0+199x60"}, 15),
    "CartwheelHttpQueueSlow": (*slow_histogram("cartwheel_http_queue_wait_seconds", '{process="order-api",queue="writes"}'), 15),
    "CartwheelHttpQueueFull": (*gauge("cartwheel_http_queue_waiting", '{process="order-api",queue="writes"}', 2000, 1000), 5),
    "CartwheelHttpRefused": (*counter("cartwheel_http_expired_total", API), 5),
    "CartwheelHttpCrowded": (*gauge("cartwheel_http_connections", API, 2000, 1000), 10),
    "CartwheelOrdersLateFast": (buckets("cartwheel_saga_seconds", "{}", 98, 2, 5), buckets("cartwheel_saga_seconds", "{}", 9995, 5, 5), 90),
    "CartwheelOrdersLateSlow": (buckets("cartwheel_saga_seconds", "{}", 998, 2, 5), buckets("cartwheel_saga_seconds", "{}", 9995, 5, 5), 4500),
    "CartwheelRequestsSlow": (buckets("cartwheel_http_request_seconds", PLACING, 80, 20, 0.25),
                             {**buckets("cartwheel_http_request_seconds", PLACING, 95, 5, 0.25),
                              **buckets("cartwheel_http_request_seconds", LISTING, 10, 90, 0.25)}, 90),
}


def case(alert, series, minutes, firing):
    return {
        "interval": EVERY[minutes >= DAYS],
        "input_series": [{"series": name.replace("{}", ""), "values": values} for name, values in series.items()],
        "promql_expr_test": [{
            "expr": f'count(ALERTS{{alertname="{alert}",alertstate="firing"}})',
            "eval_time": f"{minutes}m",
            "exp_samples": [{"labels": "{}", "value": firing}] if firing else [],
        }],
    }


def test_promtool_accepts_the_rules_and_the_scrape_configuration():
    for words in (("check", "rules", *RULE_FILES), ("check", "config", FOLDER / "prometheus.yml")):
        content, said = promtool(*words)
        assert content, said


@pytest.mark.parametrize("of_days", (False, True))
def test_each_alert_fires_when_it_should_and_only_then(tmp_path, of_days):
    tests = [case(alert, series, minutes, firing)
             for alert, (fires, silent, minutes) in CASES.items() if (minutes >= DAYS) == of_days
             for series, firing in ((fires, 1), (silent, 0))]
    assert tests
    path = tmp_path / "cases.yml"
    path.write_text(yaml.safe_dump({"rule_files": [str(file) for file in RULE_FILES], "evaluation_interval": EVERY[of_days],
                                    "tests": tests}), encoding="utf-8")
    content, said = promtool("test", "rules", path)
    assert content, said


BACKLOG = "cartwheel:worker_backlog:messages"
COPIES = {"a": ("700", "512", "3"), "b": ("690", "100", "3")}  # ready (asked sooner or later), held, to be tried again
OF_TWO_COPIES = {
    **{f'cartwheel_queue_messages_{kind}{{process="stock-worker",instance="{copy}",queue="{queue}"}}': f"{value}x9"
       for copy, values in COPIES.items() for queue in ("stock.ordercreated", "stock.ordercancelled")
       for kind, value in zip(("ready", "unacknowledged", "retrying"), values, strict=True)},
    **{f'cartwheel_outbox_pending{{process="stock-worker",instance="{copy}"}}': "5000x9" for copy in COPIES},
    'cartwheel_outbox_pending{process="order-worker",instance="c"}': "7x9",  # whose queues nobody has asked for
}


def test_the_signal_to_scale_on_counts_what_copies_share_once(tmp_path):
    """Of two queues, both copies: ready 700, held 512 and 100, to be tried again 3; one outbox of 5,000."""
    path = tmp_path / "cases.yml"
    expected = 2 * 700 + 2 * (512 + 100) + 2 * 3 + 5000
    path.write_text(yaml.safe_dump({"rule_files": [str(file) for file in RULE_FILES], "evaluation_interval": "1m", "tests": [{
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in OF_TWO_COPIES.items()],
        "promql_expr_test": [{"expr": BACKLOG, "eval_time": "5m", "exp_samples": [
            {"labels": f'{BACKLOG}{{process="stock-worker"}}', "value": expected}]}],
    }]}), encoding="utf-8")
    content, said = promtool("test", "rules", path)
    assert content, said


def test_every_alert_has_its_two_cases():
    assert sorted(CASES) == sorted(rule["alert"] for rule in alerts())


@pytest.mark.parametrize("rule", alerts(), ids=lambda rule: rule["alert"])
def test_an_alert_says_how_bad_it_is_and_where_its_runbook_is(rule):
    assert rule["labels"]["severity"] in ("critical", "warning")
    assert rule["annotations"]["summary"]
    assert rule["annotations"]["runbook"]  # tests/unit/tools/runbooks_test.py follows it


def test_it_is_said_of_each_alert_how_it_was_shown():
    """`./cartwheel test alerts` shows those of a switch."""
    assert list(shown()) == [rule["alert"] for rule in alerts()]
    for alert, how in shown().items():
        assert re.match(rf"`({'|'.join(SWITCHES)})`(, |$)|promtool: ", how), alert


def test_rules_name_metrics_that_exist():
    named = set().union(*(names_in(rule["expr"]) for rule in rules()))
    assert named - documented() == set()


# An alarm of the list without an alert of its own.
ALARMED_ELSEWHERE = {
    "cartwheel_outbox_parked_total": "cartwheel_outbox_parked stays until somebody acts",
    "cartwheel_http_waits_open": "its limit is a setting: cartwheel_http_waits_refused_total says when it was met",
    "process_resident_memory_bytes": "the row's alarm is about the start time",
    "process_open_fds": "the same", "process_cpu_seconds_total": "the same",
}


def test_every_alarm_of_the_list_has_an_alert():
    named = set().union(*(names_in(rule["expr"]) for rule in rules()))
    assert alarmed() - named == set(ALARMED_ELSEWHERE)


def test_a_process_without_a_certificate_is_not_told_to_renew_it(tmp_path):
    path = tmp_path / "cases.yml"
    series = {f"cartwheel_http_certificate_expires_timestamp_seconds{API}": "0x60"}
    path.write_text(yaml.safe_dump({"rule_files": [str(file) for file in RULE_FILES], "evaluation_interval": "1m",
                                    "tests": [case("CartwheelCertificateEnds", series, 15, 0)]}), encoding="utf-8")
    content, said = promtool("test", "rules", path)
    assert content, said


def test_the_documents_list_every_metric_and_no_other():
    assert declared() == documented()
