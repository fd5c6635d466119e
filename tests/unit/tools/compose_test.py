"""The scripts of docker-compose.yml: shipped passwords, and no tokens, are refused where others get in; each service has its broker user."""

import ipaddress
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tools"))

from launcher import broker_users, catalogue  # noqa: E402

COMPOSE = ROOT / "deploy" / "compose"
EXAMPLE = ROOT / ".env.example"
DEFAULTS = dict(re.findall(r"^(\w+)=(.*)$", EXAMPLE.read_text(encoding="utf-8"), flags=re.M))
PASSWORDS = {name for name, value in DEFAULTS.items() if name.endswith("_PASSWORD") and value}


class Passwords(unittest.TestCase):
    def judge(self, address, **given):
        environ = {"PATH": os.environ["PATH"], **DEFAULTS, "AUTH": "on", **given, "BIND_ADDRESS": address}
        return subprocess.run(["sh", str(COMPOSE / "passwords.sh"), str(EXAMPLE)], env=environ, capture_output=True,
                              text=True, timeout=20, check=False)

    def test_on_one_machine_those_of_the_example_do(self):
        for address in ("127.0.0.1", "127.9.9.9", "localhost", "::1", "[::1]"):
            self.assertEqual(self.judge(address).returncode, 0, address)

    def test_where_others_get_in_every_one_that_is_left_is_named(self):
        for address in ("0.0.0.0", "192.168.1.2", "::", "", "128.0.0.1"):
            done = self.judge(address)
            self.assertEqual(done.returncode, 1, address)
            self.assertEqual(set(re.findall(r"\w+_PASSWORD", done.stderr)), PASSWORDS)
        own = dict.fromkeys(PASSWORDS, "of-my-own")
        self.assertEqual(self.judge("0.0.0.0", **own).returncode, 0)
        own.pop("STOCK_BROKER_PASSWORD")
        done = self.judge("0.0.0.0", **own)
        self.assertEqual((done.returncode, re.findall(r"\w+_PASSWORD", done.stderr)), (1, ["STOCK_BROKER_PASSWORD"]))

    def test_where_others_get_in_they_are_asked_for_tokens(self):
        own = dict.fromkeys(PASSWORDS, "of-my-own")
        for off in ("off-for-all-networks", "off", ""):
            done = self.judge("0.0.0.0", **own, AUTH=off)
            self.assertEqual((done.returncode, "AUTH_ISSUER" in done.stderr), (1, True), off)
            self.assertEqual(self.judge("127.0.0.1", AUTH=off).returncode, 0)

    def test_each_api_is_told_who_may_ask_and_the_judge_is_told_the_same(self):
        composed = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))["services"]
        said = composed["passwords"]["environment"]["AUTH"]
        self.assertEqual((said, DEFAULTS["AUTH"]), ("${AUTH:-off-for-all-networks}", "off-for-all-networks"))
        for name in catalogue.read():
            environ = composed[f"{name}-api"]["environment"]
            self.assertEqual((environ["AUTH"], environ["AUTH_ISSUER"]), (said, "${AUTH_ISSUER:-}"))
            self.assertNotIn("AUTH", composed[f"{name}-worker"]["environment"])
        self.assertIn("passwords", composed["gateway"]["depends_on"])  # which does not start before it has agreed

    def test_compose_hands_all_of_them_to_the_judge_and_has_the_example_s_defaults(self):
        text = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
        judge = text.partition("\n  passwords:\n")[2].partition("\n\n")[0]
        self.assertEqual(set(re.findall(r"^      (\w+_PASSWORD):", judge, re.M)), PASSWORDS)
        written = set(re.findall(r"\$\{(\w+_PASSWORD):-([^}]+)\}", re.sub(r"^#%.*\n", "", text, flags=re.M)))
        self.assertEqual(written, {(name, DEFAULTS[name]) for name in PASSWORDS})



class Gateway(unittest.TestCase):
    """Who the client is comes from the gateway alone, and the APIs believe it."""

    def setUp(self):
        text = (COMPOSE / "haproxy.cfg").read_text(encoding="utf-8")
        sections = re.split(r"^(?=\w)", re.sub(r"^#.*\n", "", text, flags=re.M), flags=re.M)
        self.sections = {section.partition("\n")[0].strip(): section.splitlines() for section in sections if section}

    def test_each_api_s_frontend_says_who_the_client_is_and_the_client_does_not(self):
        self.assertIn("    mode http", self.sections["defaults"])
        for name in catalogue.read():
            rules = [line.strip() for line in self.sections[f"frontend {name}-api"] if "http-request" in line]
            self.assertEqual(rules, ["http-request del-header Forwarded", "http-request set-header X-Forwarded-For %[src]"])

    def test_each_api_believes_whoever_shares_its_network(self):
        composed = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))["services"]
        pools = [ipaddress.ip_network(pool) for pool in ("172.17.0.0/16", "192.168.0.0/20", "10.0.0.0/24", "fd00::/64")]
        for name in catalogue.read():
            said = composed[f"{name}-api"]["environment"]["TRUSTED_PROXIES"]
            trusted = [ipaddress.ip_network(text.strip()) for text in said.split(",")]
            self.assertTrue(all(network.is_private for network in trusted))
            for pool in pools:
                self.assertTrue(any(pool.version == network.version and pool.subnet_of(network) for network in trusted), pool)
            self.assertEqual([other for other, service in composed.items() if f"{name}-http" in service.get("networks", ())],
                             ["gateway", f"{name}-api"])

    def test_what_it_answers_itself_is_a_problem_document(self):
        answered = []
        for line in self.sections["defaults"]:
            if match := re.match(r"    http-error status (\d+) content-type application/problem\+json string '(.*)'", line):
                problem = json.loads(match[2])
                self.assertEqual(problem.keys(), {"type", "title", "status", "detail"})
                answered.append(problem["status"])
                self.assertEqual(problem["status"], int(match[1]))
        self.assertEqual(answered, [502, 503, 504])


class Broker(unittest.TestCase):
    def test_its_users_are_the_services_and_the_operator(self):
        secrets = {f"{name.upper()}_BROKER_PASSWORD": f"secret-{name}" for name in catalogue.read()}
        environ = {"PATH": os.environ["PATH"], "OPERATOR": "boss", "OPERATOR_PASSWORD": "secret-boss", **secrets}
        with tempfile.TemporaryDirectory() as folder:
            # As somebody who is no root, chown is left out: the user rabbitmq need not be there.
            tools = pathlib.Path(folder) / "bin"
            tools.mkdir()
            (tools / "id").write_text("#!/bin/sh\necho 1000\n", encoding="ascii")
            (tools / "id").chmod(0o755)
            environ["PATH"] = f"{tools}:{environ['PATH']}"
            done = subprocess.run(["sh", str(COMPOSE / "broker.sh"), f"{folder}/made", "echo", "becomes", "it"], env=environ,
                                  capture_output=True, text=True, timeout=20, check=True)
            users, rights = (json.loads(path.read_text(encoding="utf-8")) for path in
                             sorted(pathlib.Path(folder, "made").iterdir()))
        self.assertEqual(done.stdout, "becomes it\n")
        self.assertEqual({(user["name"], user["password"], user["tags"]) for user in users["users"]},
                         {(name, f"secret-{name}", "") for name in catalogue.read()} | {("boss", "secret-boss", "administrator")})
        self.assertEqual(users["permissions"], [{"user": "boss", "vhost": broker_users.VHOST, **broker_users.EVERYTHING}])
        self.assertEqual(rights["permissions"], broker_users.permissions({}))


if __name__ == "__main__":
    unittest.main()
