"""./cartwheel services: the services there are, and the parts of the deployment's files that are made of the list.

Such a part begins with its own pattern, in comments, and ends with "#% end":

    #% backend @service@-api
    #%     server-template @service@-api- 10 @service@-api:@api_port@
    ...the pattern once for each service...
    #% end

A line of the pattern that names a list (@path@, @queue@, @api_setting@, @worker_setting@) is repeated for each of its
members, and left out when there are none. What a file needs of its own for each service is made from one pattern file.
"""

import importlib.util
import json
import re
import textwrap

from . import broker_users, catalogue, terminal
from .layout import ROOT, write_atomically

MARK, END = "#%", "#% end"
FIELD = re.compile(r"@(\w+)@")
PARTS = (
    ".env.example",
    "Dockerfile",
    "docker-compose.yml",
    "deploy/compose/haproxy.cfg",
    "deploy/prometheus/prometheus.yml",
    "deploy/kubernetes/base/ingress.yaml",
    "deploy/kubernetes/base/kustomization.yaml",
    "deploy/kubernetes/overlays/local/databases.yaml",
    "deploy/kubernetes/overlays/local/kustomization.yaml",
    "deploy/kubernetes/overlays/production/autoscaling.yaml",
    "deploy/kubernetes/overlays/production/databases.yaml",
    "deploy/kubernetes/overlays/production/kustomization.yaml",
)
WHOLE = {"deploy/kubernetes/base/service/each.yaml": "deploy/kubernetes/base/{}/kustomization.yaml"}

# The broker's users of the local overlay, and the script that makes them.
SCRIPT = "deploy/kubernetes/broker_definitions.py"
DEFINITIONS = "deploy/kubernetes/overlays/local/definitions.json"
PERMISSIONS = "deploy/compose/permissions.json"

# Prometheus' rules, and the object of its operator that holds them all.
RULE_FILES = ("deploy/prometheus/alerts.yml", "deploy/prometheus/objectives.yml")
RULES = "deploy/kubernetes/overlays/production/rules.yaml"
RULES_HEAD = """\
# Made from deploy/prometheus by ./cartwheel services --write.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: cartwheel
spec:
  groups:
"""


def add_arguments(command):
    command.add_argument("--write", action="store_true", help="bring the files up to date")


def run(layout, options):
    """The command; exit code 1 when files are not up to date and stay so."""
    services = catalogue.read()
    rows = [[s.name, s.database, str(_fields(s)["api_port"]), ", ".join(s.paths)] for s in services.values()]
    terminal.table(["service", "database", "port", "paths"], rows)
    stale = {path: text for path, text in wanted(ROOT, services).items() if _read(ROOT / path) != text}
    for path, text in stale.items():
        if options.write:
            (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
            write_atomically(ROOT / path, text, mode=0o644)
        terminal.say(f"  {path} " + ("was written" if options.write else "is out of date: ./cartwheel services --write"))
    return 0 if options.write or not stale else 1


def wanted(root, services):
    """{path: text} of all files of the deployment that depend on the list."""
    files = {path: filled(_read(root / path), services) for path in PARTS}
    for pattern, path in WHOLE.items():
        lines = _read(root / pattern).splitlines()
        files |= {path.format(name): _text(_instance(lines, service)) for name, service in services.items()}
    rights = {"permissions": broker_users.permissions({})}
    return {**files, DEFINITIONS: _definitions(root), PERMISSIONS: json.dumps(rights, indent=2) + "\n", RULES: _rules(root)}


def _rules(root):
    """The groups of all files, in one object."""
    groups = "".join(_read(root / path).partition("\ngroups:\n")[2] for path in RULE_FILES)
    return RULES_HEAD + textwrap.indent(groups, "  ")


def _definitions(root):
    """A password is hashed once: every hash has another salt."""
    spec = importlib.util.spec_from_file_location("broker_definitions", root / SCRIPT)
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    made = script.definitions({user: f"{user}-local" for user in script.users()})
    known = {user["name"]: user["password_hash"] for user in json.loads(_read(root / DEFINITIONS))["users"]}
    for user in made["users"]:
        user["password_hash"] = known.get(user["name"], user["password_hash"])
    return json.dumps(made, indent=2) + "\n"


def filled(text, services):
    """The text with its parts made anew."""
    lines, pattern, skipping = [], [], False
    for line in text.splitlines():
        if line == END:
            lines += [made for service in services.values() for made in _instance(pattern, service)]
            pattern, skipping = [], False
        elif line.startswith(MARK):
            pattern.append(line.removeprefix(MARK).removeprefix(" "))
            skipping = True
        elif skipping:
            continue
        lines.append(line)
    if skipping:
        raise ValueError(f"a part has no {END!r}")
    return _text(lines)


def _instance(pattern, service):
    """The lines of a pattern for one service."""
    fields, lines = _fields(service), []
    for line in pattern:
        named = [name for name in FIELD.findall(line) if isinstance(fields[name], (list, tuple))]
        for member in fields[named[0]] if named else [None]:
            values = {**fields, named[0]: member} if named else fields
            lines.append(FIELD.sub(lambda match: str(values[match[1]]), line))
    return lines


def _fields(service):
    n = service.number
    return {
        "service": service.name,
        "SERVICE": service.name.upper(),
        "role": service.role,
        "database": service.database,
        "most_apis": service.most_apis,
        "path": service.paths,
        "queue": list(service.queues),
        "api_setting": service.settings.get("api", []),
        "worker_setting": service.settings.get("worker", []),
        "api_port": 5000 + n,
        "api_admin_port": 6000 + n,
        "worker_admin_port": 6010 + n,
        "database_port": 5440 + n,
    }


def _text(lines):
    return "\n".join(lines) + "\n"


def _read(path):
    return path.read_text(encoding="utf-8") if path.exists() else ""
