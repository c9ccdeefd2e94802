"""What is in tools/deploy: each query of the dashboards and rules is run, LogQL by Loki and PromQL by promtool, and each alert
fires where it must and nowhere else; the containers' files are checked by what knows them."""

import json
import re
import shutil
import subprocess
import tempfile
import unittest

import yaml
from executions import EXECUTIONS, Executions
from harness import HERE, PATIENCE, ROOT, TOOLS, run

DEPLOY = ROOT / "tools" / "deploy"
BOARDS = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in DEPLOY.glob("grafana/dashboards/*.json")}
ALERTS = DEPLOY / "prometheus" / "alerts.yaml"
RULES = DEPLOY / "loki" / "rules.yaml"


def load(path):
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def substituted(board, expression):
    """With Grafana's variables as they are at first: everything, of a quarter of an hour, without a text to look for."""
    values = {v["name"]: v.get("allValue") or v["query"] for v in board["templating"]["list"] if v["type"] != "datasource"}
    values |= {"__range": "15m", "__interval": "5m", "__rate_interval": "5m"}
    out = re.sub(r"\$\{?(\w+)\}?", lambda m: values[m[1]], expression)
    assert "$" not in out, out
    return out


def targets(kind):
    """(panel, target, expression) of each query to such a data source."""
    for board in BOARDS.values():
        for panel in board["panels"]:
            for target in panel.get("targets", ()):
                if target["datasource"]["type"] == kind:
                    yield panel, target, substituted(board, target["expr"])


def rules(path):
    return {rule["alert"]: rule for group in load(path)["groups"] for rule in group["rules"]}


def metrics():
    """{name: (type, labels)} of the list."""
    lines = (HERE / "metrics.txt").read_text(encoding="utf-8").splitlines()
    return {name: (kind, labels) for name, kind, *labels in (l.split() for l in lines if not l.startswith("#"))}


def promtool(*arguments):
    return subprocess.run(["promtool", *arguments], capture_output=True, text=True, timeout=PATIENCE)


def promtool_test(test, tests):
    """Runs tests of expressions and rules."""
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        json.dump({"rule_files": [str(ALERTS)], "evaluation_interval": "15s", "tests": tests}, file)
        file.flush()
        done = promtool("test", "rules", file.name)
        test.assertEqual(done.returncode, 0, done.stdout + done.stderr)


def series(name, values, **labels):
    labels = {"job": "shipd", "instance": "shipd:9404", **labels}
    return {"series": name + "{" + ",".join(f'{k}="{v}"' for k, v in labels.items()) + "}", "values": values}


VALUES = {"outcome": ("shipped", "duplicate", "rejected", "succeeded", "failed"), "status": ("200", "204", "429")}


def made_up(name, kind, labels):
    """Series of a metric that goes on for an hour: a counter counts, a gauge is 1."""
    own = {"backend": "aoss", "version": "0.1.0", "reason": ""}
    several = next((l for l in labels if l in VALUES), None)
    for value in VALUES.get(several, ("",)):
        of = {l: value if l == several else "too_far_behind" if (l, value) == ("reason", "rejected") else own[l] for l in labels}
        if kind == "histogram":
            yield from (series(f"{name}_bucket", f"0+{n}x240", le=le, **of) for le, n in (("0.1", 5), ("1", 10), ("+Inf", 10)))
        else:
            yield series(name, "0+10x240" if kind == "counter" else "1x240", **of)


class Dashboards(unittest.TestCase):
    def test_they_are_whole(self):
        self.assertEqual(sorted(BOARDS), ["executions", "health"])
        uids = {board["uid"] for board in BOARDS.values()}
        sources = {s["type"] for s in load(DEPLOY / "grafana/provisioning/datasources/datasources.yaml")["datasources"]}
        for name, board in BOARDS.items():
            with self.subTest(name):
                variables = {v["name"] for v in board["templating"]["list"]}
                panels = board["panels"]
                self.assertEqual(len({p["id"] for p in panels}), len(panels))
                taken = set()
                for p in panels:
                    at = p["gridPos"]
                    cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
                    self.assertFalse(cells & taken, f"{p['title']} lies over another")
                    self.assertLessEqual(at["x"] + at["w"], 24)
                    taken |= cells
                    if p["type"] != "row":
                        self.assertTrue(p["targets"], p["title"])
                text = json.dumps(board)
                used = set(re.findall(r"\$\{?([a-z]\w*)", text)) | set(re.findall(r"[?&]var-(\w+)=", text))
                self.assertEqual(used, variables)
                self.assertLessEqual(set(re.findall(r'"type": "(loki|prometheus)"', text)), sources)
                self.assertLessEqual(set(re.findall(r'"/d/([\w-]+)', text)), uids)

    def test_logql_finds_what_happened(self):
        stats = {"Failed steps": 6, "Failed executions": 5, "Executions": 6, "Part of the steps that failed": 6 / 11,
                 "Killed by a signal": 1, "Command not found": 1}  # fmt: skip
        seen = set()
        with Executions() as made:
            for panel, target, query in targets("loki"):
                title = panel["title"]
                with self.subTest(title):
                    if target["queryType"] == "range" and panel["type"] in ("logs", "table"):
                        found = made.lines(query)
                        self.assertEqual(len(found), 6 if title == "Failed steps" else 11, found)
                        continue
                    if target["queryType"] == "range":
                        data = made.ask(query, step="5m")
                        self.assertEqual(data["resultType"], "matrix")
                        # Each is counted once: a step of the interval.
                        counted = sum(float(v) for s in data["result"] for _, v in s["values"])
                        self.assertEqual(counted, 6 if "Failed" in title else 11)
                        self.check_labels(target, [s["metric"] for s in data["result"]])
                        continue
                    data = made.ask(query, instant=True)
                    self.assertEqual(data["resultType"], "vector")
                    values = [float(s["value"][1]) for s in data["result"]]
                    self.check_labels(target, [s["metric"] for s in data["result"]])
                    if panel["type"] == "stat":
                        seen.add(title)
                        self.assertEqual([round(v, 9) for v in values], [round(stats[title], 9)])
                    else:
                        self.assertEqual(sum(values), 6)
        self.assertEqual(seen, set(stats))

    def check_labels(self, target, found):
        """The legend's labels are in the answer."""
        names = set(re.findall(r"\{\{(\w+)\}\}", target.get("legendFormat", "")))
        self.assertTrue(found)
        for labels in found:
            self.assertEqual(set(labels), names)

    def test_a_step_leads_to_its_execution(self):
        board = BOARDS["executions"]
        tables = [p for p in board["panels"] if p["type"] == "table"]
        link = tables[0]["fieldConfig"]["defaults"]["links"][0]["url"]
        self.assertTrue(link.startswith(f"/d/{board['uid']}?"), link)
        self.assertIn("time=${__data.fields.Time.numeric}", link)
        window = int(re.search(r"time\.window=(\d+)", link)[1]) * 10**6 // 2
        steps = next(p for p in tables if p["title"] == "Steps")
        query = substituted(board, steps["targets"][0]["expr"]).replace('server_tag=~".+"', 'server_tag="prod-web-01"')
        with Executions() as made:
            at = made.times[1]
            data = made.ask(query, start=at - window, end=at + window)
        parts = sorted((s["stream"]["step"], s["stream"]["command"], s["stream"]["exit_code"]) for s in data["result"])
        curl = "curl http://backend.internal/"
        self.assertEqual(parts, [("1", "uptime", "0"), ("2", curl, "6"), ("3", curl, "6")])

    def test_promql_finds_every_metric(self):
        known = metrics()
        everything = [s for name, (kind, labels) in known.items() for s in made_up(name, kind, labels)]
        self.check_names([expression for *_, expression in targets("prometheus")])
        promtool_test(self, [{"interval": "15s", "input_series": everything, "promql_expr_test": [
            {"expr": f"max({expression}) > bool 0", "eval_time": "1h", "exp_samples": [{"labels": "{}", "value": 1}]}
            for *_, expression in targets("prometheus")]}])  # fmt: skip

    def check_names(self, expressions):
        known = metrics()
        used = set()
        for expression in expressions + [rule["expr"] for rule in rules(ALERTS).values()]:
            for name in re.findall(r"\b(?:lokiship|process)_\w+", expression):
                used.add(re.sub("_bucket$", "", name))
            labels = {l for group in re.findall(r"(?:by|on) \(([^)]*)\)", expression) for l in re.split(", *", group)}
            self.assertLessEqual(labels, {"le", "job", "instance"} | {l for _, of in known.values() for l in of})
        self.assertEqual(used - set(known), set(), "shipd does not serve these")
        self.assertEqual(set(known) - used, set(), "nothing shows these")

    def test_variables_ask_for_metrics_that_there_are(self):
        for variable in BOARDS["health"]["templating"]["list"]:
            if variable["type"] == "query":
                name, label = re.fullmatch(r"label_values\((\w+), (\w+)\)", variable["query"]["query"]).groups()
                self.assertIn(label, metrics()[name][1] + ["instance"])


# What is so while all is well.
WELL = {
    "up": "1x240",
    "lokiship_backend_up": "1x240",
    "lokiship_loki_up": "1x240",
    "lokiship_entries_pending": "0x240",
    "lokiship_lag_seconds": "0x240",
    "lokiship_last_poll_success_timestamp_seconds": "0+15x240",
    "lokiship_entries_total shipped": "0+10x240",
    "lokiship_entries_total rejected": "0x240",
    "lokiship_entries_lost_total": "0x240",
    "lokiship_pushes_total 204": "0+1x240",
    "lokiship_pushes_total 429": "0x240",
    "lokiship_config_reloads_total failed": "0x240",
    "process_start_time_seconds": "1x240",
}
# What changes, and which alerts fire an hour later.
SCENES = [
    ({}, []),
    ({"up": "0x240"}, ["ShipdDown"]),
    ({"up": None}, ["ShipdDown"]),
    ({"up": "1x232 0x8"}, []),
    ({"lokiship_backend_up": "0x240"}, ["BackendDown"]),
    ({"lokiship_backend_up": "1x232 0x8"}, []),
    ({"lokiship_loki_up": "0x240"}, ["LokiDown"]),
    ({"lokiship_loki_up": "1x232 0x8"}, []),
    ({"lokiship_entries_pending": "5x240", "lokiship_entries_total shipped": "7x240"}, ["NotShipping"]),
    ({"lokiship_entries_pending": "5x240"}, []),
    ({"lokiship_entries_total shipped": "7x240"}, []),
    ({"lokiship_last_poll_success_timestamp_seconds": "900x240"}, ["NotPolling"]),
    ({"lokiship_last_poll_success_timestamp_seconds": "3300x240"}, []),
    ({"lokiship_lag_seconds": "301x240"}, ["Lag"]),
    ({"lokiship_lag_seconds": "300x240"}, []),
    ({"lokiship_entries_total rejected": "0x220 3x20"}, ["Rejects"]),
    ({"lokiship_entries_total rejected": "0x100 3x140"}, []),
    ({"lokiship_entries_lost_total": "0x100 1x140"}, ["EntriesLost"]),
    ({"lokiship_entries_lost_total": "1x240"}, []),
    ({"lokiship_pushes_total 429": "0+1x240"}, ["Throttled"]),
    ({"lokiship_pushes_total 429": "0x200 0+1x40"}, []),
    ({"lokiship_config_reloads_total failed": "0x220 1x20"}, ["ReloadFailed"]),
    ({"lokiship_config_reloads_total failed": "1x240"}, []),
    ({"process_start_time_seconds": "1x150 2x20 3x20 4x50"}, ["Restarting"]),
    ({"process_start_time_seconds": "1x200 2x40"}, []),
]
LABELS = {
    "shipped": {"outcome": "shipped", "reason": ""},
    "rejected": {"outcome": "rejected", "reason": "too_far_behind"},
    "failed": {"outcome": "failed"},
    "204": {"status": "204"},
    "429": {"status": "429"},
}


class Alerts(unittest.TestCase):
    def test_each_says_what_to_do(self):
        self.assertEqual(promtool("check", "rules", str(ALERTS)).returncode, 0)
        for path in (ALERTS, RULES):
            for name, rule in rules(path).items():
                with self.subTest(name):
                    self.assertRegex(rule["for"], r"^\d+m$")
                    self.assertIn(rule["labels"]["severity"], ("warning", "critical"))
                    self.assertGreater(len(rule["annotations"]["summary"]), 10)
                    self.assertGreater(len(rule["annotations"]["description"]), 40)

    def test_each_fires_where_it_must_and_nowhere_else(self):
        for firing in (True, False):
            others = [change for change, alerts in SCENES if bool(alerts) == firing]
            self.assertTrue(others)
        self.assertEqual({alert for _, alerts in SCENES for alert in alerts}, set(rules(ALERTS)))
        self.assertLessEqual({key.split()[0] for key in WELL} - {"up"}, set(metrics()))
        tests = []
        for number, (change, alerts) in enumerate(SCENES):
            self.assertLessEqual(set(change), set(WELL))
            now = []
            for key, values in {**WELL, **change}.items():
                name, *kind = key.split()
                backend = {"backend": "aoss"} if "backend" in metrics().get(name, ("", ()))[1] else {}
                if values:
                    now.append(series(name, values, **backend, **(LABELS[kind[0]] if kind else {})))
            tests.append({"name": f"{number}: {change}", "interval": "15s", "input_series": now, "promql_expr_test": [
                {"expr": 'count by (alertname) (ALERTS{alertstate="firing"})', "eval_time": "1h",
                 "exp_samples": [{"labels": f'{{alertname="{a}"}}', "value": 1} for a in alerts]}]})  # fmt: skip
        promtool_test(self, tests)

    def test_those_of_loki_fire_where_they_must_and_nowhere_else(self):
        bad = [("database", "db-01", "Failed", [("Failed", f"psql -c {i}", 1, "", "") for i in range(12)])]
        good = [("database", "db-01", "Success", [("Success", f"psql -c {i}", 0, "", "") for i in range(12)])]
        days = [(EXECUTIONS, ["CommandsNotFound", "StepsKilled"]), (good, []),
                (bad, ["ManyFailedSteps", "MostStepsFail"])]  # fmt: skip
        all_rules = rules(RULES)
        seen = {"NoExecutions"}
        for executions, expected in days:
            with Executions(executions) as made:
                fire = [name for name, rule in all_rules.items() if made.ask(rule["expr"], instant=True)["result"]]
                self.assertEqual(sorted(fire), expected)
                seen |= set(fire)
                # As if nothing were shipped.
                made.run = "none"
                fire = [name for name, rule in all_rules.items() if made.ask(rule["expr"], instant=True)["result"]]
                self.assertEqual(fire, ["NoExecutions"])
        self.assertEqual(seen, set(all_rules))


class Containers(unittest.TestCase):
    def setUp(self):
        self.compose = load(DEPLOY / "compose.yaml")
        self.services = self.compose["services"]

    def test_compose_takes_the_file(self):
        command = ["docker-compose"] if shutil.which("docker-compose") else ["docker", "compose"]
        if subprocess.run([*command, "version"], capture_output=True).returncode != 0:
            self.skipTest("no docker compose here")
        done = subprocess.run([*command, "-f", DEPLOY / "compose.yaml", "config"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_names_and_ports_are_those_of_the_specification(self):
        self.assertEqual(self.services["loki_tst"]["container_name"], "loki_tst")
        ports = [port.rsplit(":", 2)[1:] for s in self.services.values() for port in s.get("ports", ())]
        self.assertIn(["3100", "3100"], ports)
        self.assertIn(["3001", "3000"], ports)
        self.assertEqual(self.services["shipd"]["environment"]["LOKI_URL"], "http://loki_tst:3100")

    def test_what_is_mounted_is_there(self):
        for name, service in self.services.items():
            for volume in service.get("volumes", ()):
                source, target, *_ = volume.split(":")
                if source.startswith("."):
                    self.assertTrue((DEPLOY / source).exists(), volume)
                else:
                    self.assertIn(source, self.compose["volumes"], name)
        # Grafana reads the dashboards where they are mounted.
        provider = load(DEPLOY / "grafana/provisioning/dashboards/dashboards.yaml")["providers"][0]
        mounted = {v.split(":")[1] for v in self.services["grafana"]["volumes"]}
        self.assertIn(provider["options"]["path"], mounted)
        home = self.services["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
        self.assertTrue(home.startswith(provider["options"]["path"]))
        self.assertTrue((DEPLOY / "grafana/dashboards" / home.rsplit("/", 1)[1]).exists())
        # And Loki its rules, those of the only tenant.
        loki = load(DEPLOY / "loki/loki.yaml")
        self.assertFalse(loki["auth_enabled"])
        rules_at = loki["common"]["storage"]["filesystem"]["rules_directory"] + "/fake/rules.yaml"
        self.assertIn(f"./loki/rules.yaml:{rules_at}:ro", self.services["loki_tst"]["volumes"])
        # The services find one another.
        for source in load(DEPLOY / "grafana/provisioning/datasources/datasources.yaml")["datasources"]:
            self.assertIn(re.match(r"http://([\w-]+):", source["url"])[1], self.services)
        for job in load(DEPLOY / "prometheus/prometheus.yaml")["scrape_configs"]:
            self.assertIn(job["static_configs"][0]["targets"][0].split(":")[0], self.services)

    def test_the_tools_know_their_settings(self):
        for name in ("shipd", "backfill"):
            help_text = run(name, "--help").stdout
            for variable in self.services[name]["environment"]:
                if variable.startswith("LOKISHIP_"):
                    self.assertIn("--" + variable.removeprefix("LOKISHIP_").lower().replace("_", "-"), help_text)

    def test_prometheus_takes_its_configuration(self):
        done = promtool("check", "config", str(DEPLOY / "prometheus/prometheus.yaml"))
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        jobs = {job["job_name"] for job in load(DEPLOY / "prometheus/prometheus.yaml")["scrape_configs"]}
        self.assertIn("shipd", jobs)

    def test_the_image_has_the_libraries(self):
        text = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
        installed = set(re.findall(r"^    ([a-z0-9.+-]+) \\$", text, re.M))
        needed = set()
        for tool in ("shipd", "backfill"):
            linked = subprocess.run(["ldd", TOOLS / tool / tool], capture_output=True, text=True, check=True).stdout
            # What those need themselves comes with their packages.
            direct = subprocess.run(["objdump", "-p", TOOLS / tool / tool], capture_output=True, text=True, check=True).stdout
            direct = set(re.findall(r"NEEDED +(\S+)", direct))
            for library in (l for name, l in re.findall(r"(\S+) => (/\S+)", linked) if name in direct):
                for path in ("/usr" + library, library, library.removeprefix("/usr")):
                    owner = subprocess.run(["dpkg", "-S", path], capture_output=True, text=True)
                    if owner.returncode == 0:
                        needed.add(owner.stdout.split(":")[0])
                        break
                else:
                    self.fail(f"{library} is of no package")
        self.assertEqual(needed - installed, set())
        self.assertEqual(installed - needed, {"ca-certificates"})

    def test_the_image_is_built_as_it_should_be(self):
        text = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
        for copied in re.findall(r"^COPY (?!--from)(.*) \S+$", text, re.M):
            for path in copied.split():
                self.assertTrue((ROOT / path).exists(), path)
        self.assertRegex(text, r"(?m)^USER [1-9]")
        if not shutil.which("hadolint"):
            self.skipTest("no hadolint here")
        done = subprocess.run(["hadolint", DEPLOY / "Dockerfile"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout)
