"""The Prometheus that ./cartwheel up --observe starts beside a system, as a client sees it."""

import requests


class Prometheus:
    def __init__(self, address):
        self._api = f"{address}/api/v1"

    def _get(self, path, **query):
        answer = requests.get(f"{self._api}/{path}", params=query, timeout=30).json()
        assert answer["status"] == "success", answer
        return answer["data"]

    def query(self, expression):
        """[(labels, value)]"""
        return [(one["metric"], float(one["value"][1])) for one in self._get("query", query=expression)["result"]]

    def targets(self):
        """{(job, address): "up", or why it gave nothing when it was last looked at}; empty before any was."""
        return {(one["labels"]["job"], one["labels"]["instance"]): one["lastError"] or one["health"]
                for one in self._get("targets")["activeTargets"]}

    def rules(self):
        """All rules that it has, as its API tells them."""
        return [rule for group in self._get("rules")["groups"] for rule in group["rules"]]

    def broken_rules(self):
        """Rules that could not be evaluated: [(name, why)]."""
        return [(rule["name"], rule.get("lastError")) for rule in self.rules() if rule["health"] != "ok"]

    def firing(self):
        return {labels["alertname"] for labels, _ in self.query('ALERTS{alertstate="firing"}')}


def addresses(system):
    """{name: address} of what runs and of what watches it, as ./cartwheel status has them."""
    return {one["process"]: one["address"] for one in system.status()}
