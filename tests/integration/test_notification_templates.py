"""Notification templates: the calls, the version, the preview, and what does not parse."""

import re

import pytest

from support.api import assert_problem, exact

PATH = "/api/notificationtemplates"


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
