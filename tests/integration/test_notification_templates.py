"""Notification templates: the calls, the version, the preview, and what does not parse."""

import concurrent.futures
import re

import pytest

from support.api import TIME, assert_problem, exact
from support.system import memory_kib

PATH = "/api/notificationtemplates"
ALL_TEXT_BYTES = 4 * 1024 * 1024  # of all templates together


def body(**changes):
    """A template in a language nobody speaks here, so that it serves no real notification."""
    return {"templateCode": "ORDER_CONFIRMED", "channel": 1, "language": next_language(),
            "subject": "Order {OrderNumber}", "body": "Dear {CustomerName}, {OrderTotal} {Currency}.",
            "isActive": True, **changes}


_languages = iter(f"{a}{b}" for a in "qwxyz" for b in "abcdefghijklmnopqrstuvwxyz")


def next_language():
    return next(_languages)


@pytest.fixture
def created(notifications):
    """Creates templates and deletes them at the end."""
    made = []

    def create(**changes):
        answer = notifications.post(PATH, body(**changes))
        assert answer.status_code == 201, answer.text
        made.append(f"{PATH}/{answer.json()['id']}")
        return exact(answer)["id"]

    yield create
    for path in made:
        notifications.delete(path)


def listed(notifications):
    answer = notifications.get(PATH)
    assert answer.status_code == 200
    rows = exact(answer)
    return rows["items"] if isinstance(rows, dict) else rows


def get(notifications, template_id):
    answer = notifications.get(f"{PATH}/{template_id}")
    assert answer.status_code == 200, answer.text
    return exact(answer)


@pytest.mark.parametrize("code, names", [
    ("ORDER_CONFIRMED", {"OrderNumber", "OrderTotal", "Currency", "CustomerName"}),
    ("ORDER_CANCELLED", {"OrderId", "Reason", "CustomerName"}),
])
def test_both_codes_are_seeded_in_english(notifications, code, names):
    seeds = [t for t in listed(notifications) if (t["templateCode"], t["channel"]) == (code, 1)
             and t["language"].startswith("en")]
    assert len(seeds) == 1
    assert seeds[0]["isActive"] is True
    used = set(re.findall(r"\{(\w+)\}", seeds[0]["subject"] + seeds[0]["body"]))
    assert used and used <= names


def test_create_read_list(notifications, created):
    template_id = created(subject="S {OrderNumber}", body="B {Currency}")
    template = get(notifications, template_id)
    assert set(template) >= {"id", "templateCode", "channel", "language", "subject", "body", "isActive", "version"}
    assert (template["subject"], template["body"], template["channel"]) == ("S {OrderNumber}", "B {Currency}", 1)
    assert template["version"] == 1
    assert template_id in [t["id"] for t in listed(notifications)]


def test_create_answers_a_location(notifications):
    answer = notifications.post(PATH, body())
    assert answer.status_code == 201
    location = answer.headers["Location"]
    assert location == f"{PATH}/{answer.json()['id']}"
    assert notifications.delete(location).status_code == 204


def test_members_match_in_any_case(notifications):
    answer = notifications.post(PATH, {k.upper(): v for k, v in body().items()})
    assert answer.status_code == 201, answer.text
    notifications.delete(answer.headers["Location"])


def test_put_updates_and_raises_the_version(notifications, created):
    language = next_language()
    template_id = created(language=language)
    for version in (2, 3):
        answer = notifications.put(f"{PATH}/{template_id}",
                                   body(language=language, subject=f"v{version}", isActive=False))
        assert answer.status_code in (200, 204), answer.text
        template = get(notifications, template_id)
        assert (template["version"], template["subject"], template["isActive"]) == (version, f"v{version}", False)


def put(notifications, template_id, headers=None, query="", **changes):
    return notifications.put(f"{PATH}/{template_id}{query}", body(**changes), headers=headers)


def test_a_stale_version_is_409_and_changes_nothing(notifications, created):
    language = next_language()
    template_id = created(language=language, subject="first")
    assert put(notifications, template_id, language=language, subject="second", version=1).status_code == 200
    assert_problem(put(notifications, template_id, language=language, subject="lost", version=1), 409)
    template = get(notifications, template_id)
    assert (template["version"], template["subject"]) == (2, "second")
    assert_problem(put(notifications, template_id, language=language, subject="lost", version=0), 409)
    assert_problem(put(notifications, template_id, language=language, version="2"), 400, "version")
    answer = put(notifications, template_id, language=language, subject="third", version=2)
    assert (answer.status_code, answer.json()["version"]) == (200, 3)


def test_a_new_one_expects_no_version(notifications, created):
    for version in (0, 7, "x", None):
        assert get(notifications, created(version=version))["version"] == 1


def test_if_match_names_the_version(notifications, created):
    language = next_language()
    template_id = created(language=language)
    path = f"{PATH}/{template_id}"
    etag = notifications.get(path).headers["ETag"]
    answer = put(notifications, template_id, {"If-Match": etag}, language=language, subject="second")
    assert answer.status_code == 200 and answer.headers["ETag"] != etag
    assert notifications.call("GET", path, headers={"If-None-Match": etag}).status_code == 200
    assert notifications.call("GET", path, headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304
    assert notifications.call("GET", path + "/versions/1", headers={"If-None-Match": etag}).status_code == 304
    for stale in (etag, '"nope"', f'W/{answer.headers["ETag"]}', "nope"):
        assert_problem(put(notifications, template_id, {"If-Match": stale}, language=language, subject="lost"), 412)
        assert_problem(notifications.call("DELETE", path, headers={"If-Match": stale}), 412)
    assert get(notifications, template_id)["subject"] == "second"
    several = {"If-Match": f'"77", {answer.headers["ETag"]}'}
    assert put(notifications, template_id, several, language=language, subject="third").status_code == 200
    assert put(notifications, template_id, {"If-Match": "*"}, language=language, subject="fourth").status_code == 200
    assert_problem(put(notifications, template_id, {"If-Match": '"4"'}, language=language, version=3), 412)
    assert notifications.call("DELETE", path, headers={"If-Match": '"4"'}).status_code == 204


def test_of_writers_at_once_one_wins(notifications, created):
    language = next_language()
    template_id = created(language=language)
    subjects = [f"writer {n}" for n in range(8)]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda subject: put(notifications, template_id, language=language, subject=subject,
                                                    version=1), subjects))
    assert sorted(a.status_code for a in answers) == [200] + [409] * 7
    won = next(subject for subject, answer in zip(subjects, answers) if answer.status_code == 200)
    assert get(notifications, template_id)["subject"] == won


def test_every_version_is_kept_and_readable(notifications, created):
    language = next_language()
    template_id = created(language=language, subject="v1")
    path = f"{PATH}/{template_id}"
    for version in (2, 3):
        put(notifications, template_id, language=language, subject=f"v{version}", isActive=version != 3)
    listed_versions = notifications.all_pages(path + "/versions", 2)
    assert [(v["version"], v["subject"], v["isActive"]) for v in listed_versions] == [
        (3, "v3", False), (2, "v2", True), (1, "v1", True)]
    assert all(v["id"] == template_id and TIME.match(v["changedAt"]) for v in listed_versions)
    assert notifications.all_pages(path + "/versions", 2, sort="oldest") == listed_versions[::-1]
    second = listed_versions[1]["changedAt"]
    assert notifications.all_pages(path + "/versions", 1, createdAfter=second) == listed_versions[:2]
    assert notifications.all_pages(path + "/versions", 1, createdBefore=second, sort="oldest") == listed_versions[2:]
    assert notifications.delete(path).status_code == 204
    assert exact(notifications.get(path + "/versions/2")) == listed_versions[1]
    assert len(notifications.all_pages(path + "/versions", 100)) == 3, "a deleted one keeps its versions"
    for unknown in ("0", "4", "-1", "x", "2147483648", "99999999999999999999"):
        assert_problem(notifications.get(f"{path}/versions/{unknown}"), 404)
    assert_problem(notifications.get(f"{PATH}/5f1c2b0e-3d57-4a86-9c1e-2f6a7d8b9c01/versions"), 404)


def test_the_seeds_have_their_versions(notifications):
    for seed in [t for t in listed(notifications) if t["language"] == "en"]:
        versions = notifications.all_pages(f"{PATH}/{seed['id']}/versions", 100)
        assert versions[0]["version"] == seed["version"] and versions[0]["body"] == seed["body"]


def test_a_draft_is_previewed_without_being_saved(notifications):
    before = listed(notifications)
    draft = {"templateCode": "ORDER_CANCELLED", "channel": 1, "subject": "Sorry, {CustomerName}", "body": "{OrderId}: {Reason}",
             "data": {"CustomerName": "Zo\u00eb", "OrderId": 7}}
    answer = notifications.post(PATH + "/preview", draft)
    assert answer.status_code == 200, answer.text
    assert answer.json() == {"subject": "Sorry, Zo\u00eb", "body": "7: {Reason}", "missing": ["Reason"]}
    assert listed(notifications) == before
    assert_problem(notifications.post(PATH + "/preview", {**draft, "body": "{Total}", "data": None}), 400, "body", "data")
    assert_problem(notifications.post(PATH + "/preview", {"data": {}}), 400, "templateCode", "channel", "body")


def test_a_preview_names_the_missing_values(notifications, created):
    template_id = created(subject="{OrderNumber}", body="{CustomerName}: {OrderTotal} {{Currency}}")
    answer = notifications.post(f"{PATH}/{template_id}/preview", {"data": {"OrderNumber": "1"}}).json()
    assert answer["missing"] == ["OrderTotal", "CustomerName"]


def test_the_last_active_template_of_a_code_needs_force(notifications):
    active = [t for t in listed(notifications) if t["templateCode"] == "ORDER_CANCELLED" and t["isActive"]]
    assert len(active) == 1, "only the seed"
    seed = active[0]
    members = {k: v for k, v in seed.items() if k not in ("id", "version")}
    path = f"{PATH}/{seed['id']}"
    assert "force=true" in assert_problem(notifications.delete(path), 409)["detail"]
    for changes in ({"isActive": False}, {"templateCode": "ORDER_CONFIRMED", "language": next_language(), "body": "x",
                                          "subject": "x"}):
        assert_problem(notifications.put(path, {**members, **changes}), 409)
    assert get(notifications, seed["id"]) == seed
    try:
        assert notifications.put(path + "?force=true", {**members, "isActive": False}).status_code == 200
        assert not get(notifications, seed["id"])["isActive"]
    finally:
        assert notifications.put(path, members).status_code == 200


def test_the_last_active_template_is_deleted_by_force_alone(notifications):
    seed, = (t for t in listed(notifications) if t["templateCode"] == "ORDER_CANCELLED" and t["isActive"])
    members = {k: v for k, v in seed.items() if k not in ("id", "version")}
    path = f"{PATH}/{seed['id']}"
    assert "force=true" in assert_problem(notifications.delete(path), 409)["detail"]
    try:
        assert notifications.delete(path + "?force=true").status_code == 204
        assert_problem(notifications.get(path), 404)
    finally:
        if notifications.get(path).status_code == 404:
            assert notifications.post(PATH, members).status_code == 201


@pytest.fixture
def many(databases):
    """Makes templates past the API; deletes them at the end."""
    def insert(n, body_bytes, active):
        databases.execute("notification", "INSERT INTO notification_templates (id, template_code, channel, language, subject,"
                          " body, is_active) SELECT gen_random_uuid(), 'ORDER_CONFIRMED', 2, 'x-' || n, '', repeat('x', %s), %s"
                          " FROM generate_series(1, %s) AS n", (body_bytes, active, n))

    yield insert
    databases.execute("notification", "DELETE FROM notification_templates WHERE language LIKE 'x-%%'", ())


def test_there_are_at_most_1000(notifications, many):
    many(1000 - len(listed(notifications)), 1, False)
    assert "1000" in assert_problem(notifications.post(PATH, body()), 409)["detail"]


def test_their_text_is_bounded_too(notifications, databases, created, many):
    language = next_language()
    template_id = created(language=language)
    room = ALL_TEXT_BYTES - 40_000 * 4 - text_bytes(databases)  # others may have left some
    many(room // 10_000, 10_000, False)
    answers = [notifications.post(PATH, body(body="\U0001f600" * 10_000)) for _ in range(6)]
    full = text_bytes(databases)
    for answer in answers:
        if answer.status_code == 201:
            notifications.delete(answer.headers["Location"])
    statuses = [answer.status_code for answer in answers]
    assert 201 in statuses and statuses[-1] == 409 and sorted(statuses) == statuses
    assert ALL_TEXT_BYTES - 40_100 < full <= ALL_TEXT_BYTES
    assert put(notifications, template_id, language=language, body="x").status_code == 200


def text_bytes(databases):
    rows = databases.rows("notification", "SELECT coalesce(sum(octet_length(subject) + octet_length(body)), 0)"
                          " FROM notification_templates")
    return int(rows[0][0])


def test_a_thousand_cost_the_worker_little(system, orders, stocks, notifications, many):
    many(900, 4_000, True)
    order_id = orders.placed((stocks.create(1), 1))
    row, = notifications.wait(order_id, status="Sent")
    assert row["subject"].startswith("Your order"), "the template in English"
    if not system.is_sanitized:
        assert memory_kib(system.pids()["notification-worker"], "VmHWM") < 64 * 1024


def test_delete_and_unknown(notifications, created):
    path = f"{PATH}/{created()}"
    assert notifications.delete(path).status_code == 204
    assert_problem(notifications.get(path), 404)
    assert_problem(notifications.delete(path), 404)
    assert_problem(notifications.put(path, body()), 404)
    assert_problem(notifications.post(path + "/preview", {"data": {}}), 404)


def test_preview_fills_the_placeholders(notifications, created):
    template_id = created(subject="{{{OrderNumber}}}", body="{CustomerName}: {OrderTotal} {Currency} {{literal}}")
    data = {"OrderNumber": "A-1", "CustomerName": "Zo\u00eb {not} a placeholder", "OrderTotal": "12.50", "Currency": "EUR"}
    answer = notifications.post(f"{PATH}/{template_id}/preview", {"data": data})
    assert answer.status_code == 200, answer.text
    assert answer.json() == {"subject": "{A-1}", "body": "Zo\u00eb {not} a placeholder: 12.50 EUR {literal}"}


def test_preview_does_not_change_the_template(notifications, created):
    template_id = created()
    before = get(notifications, template_id)
    notifications.post(f"{PATH}/{template_id}/preview", {"data": {"OrderNumber": "1"}})
    assert get(notifications, template_id) == before


@pytest.mark.parametrize("member, text, place", [
    ("subject", "Order {OrderNumber", 6),
    ("subject", "Order OrderNumber}", 17),
    ("body", "a {} b", 2),
    ("body", "a {{b} c", 5),
    ("body", "{Order Number}", None),
    ("body", "{{{OrderNumber", 2),
])
def test_a_template_that_does_not_parse_is_refused_with_the_place(notifications, member, text, place):
    problem = assert_problem(notifications.post(PATH, body(**{member: text})), 400, member)
    message = " ".join(problem["errors"][member])
    assert re.search(r"\d+", message), message
    if place is not None:
        # counted from 0 or from 1
        assert {int(n) for n in re.findall(r"\d+", message)} & {place, place + 1}, message


@pytest.mark.parametrize("code, name", [("ORDER_CONFIRMED", "Reason"), ("ORDER_CANCELLED", "OrderTotal"),
                                        ("ORDER_CONFIRMED", "ordernumber_"), ("ORDER_CANCELLED", "x")])
def test_an_unknown_placeholder_is_refused_and_named(notifications, code, name):
    answer = notifications.post(PATH, body(templateCode=code, subject="s", body="Hello {%s}" % name))
    problem = assert_problem(answer, 400, "body")
    assert name in str(problem["errors"])


def test_put_refuses_what_post_refuses(notifications, created):
    language = next_language()
    template_id = created(language=language)
    assert_problem(notifications.put(f"{PATH}/{template_id}", body(language=language, body="{")), 400, "body")
    assert get(notifications, template_id)["version"] == 1


@pytest.mark.parametrize("changes, paths", [
    ({"templateCode": "ORDER_SHIPPED"}, ["templateCode"]),
    ({"templateCode": None}, ["templateCode"]),
    ({"channel": 3}, ["channel"]),
    ({"channel": "Email"}, ["channel"]),
    ({"language": ""}, ["language"]),
    ({"subject": None}, ["subject"]),
    ({"body": 5}, ["body"]),
    ({"isActive": "yes"}, ["isActive"]),
    ({"templateCode": "x", "channel": 0, "body": 1}, ["templateCode", "channel", "body"]),
])
def test_bad_members_are_named(notifications, changes, paths):
    assert_problem(notifications.post(PATH, body(**changes)), 400, *paths)


@pytest.mark.parametrize("bad", ["5f1c2b0e-3d57-4a86-9c1e-2f6a7d8b9c01", "0", "x", "-1", "99999999999999999999"])
def test_an_unknown_id_is_404_or_400(notifications, bad):
    answer = notifications.get(f"{PATH}/{bad}")
    assert answer.status_code in (400, 404)
    assert_problem(answer, answer.status_code)
