"""Several backends in one shipd, each with labels of its own."""

import json
import pathlib
import tempfile
import unittest

from harness import SCRATCH, Backend, Sandbox, Server, Shipd, run


def write_config(text):
    file = pathlib.Path(tempfile.mkdtemp(dir=SCRATCH.name)) / "shipd.toml"
    file.write_text(text)
    return str(file)


class Watched(Shipd):
    """A shipd with the backends of a config file."""

    def __init__(self, loki, config, *arguments, **environment):
        super().__init__(None, loki, "--config", write_config(config), *arguments, **environment)

    def lanes(self):
        return {lane["name"]: lane for lane in self.state()["lanes"]}


class Backends(unittest.TestCase):
    def test_each_is_shipped_with_its_labels(self):
        with Backend() as berlin, Backend() as paris, Sandbox("--history", "0") as world:
            berlin.add(3)
            paris.add(2)
            config = f"""
                external-label = ["team=ops"]
                [[backend]]
                name = "berlin"
                url = "{berlin.url}"
                external-label = ["site=berlin", "team=web"]
                [[backend]]
                name = "paris"
                url = "{paris.url}"
                batch-size = 1
            """
            with Watched(world.loki, config) as shipd:
                shipd.wait_for("[berlin] shipped 6 entries", "[paris] shipped 2 entries")
                labels = [json.loads(entry[0]) for entry in world.query('{job="aoss"}')]
                self.assertEqual(sorted((l.get("site"), l["team"]) for l in labels if l.get("site")), [("berlin", "web")] * 6)
                self.assertEqual([l["team"] for l in labels if not l.get("site")], ["ops"] * 2)
                metrics = shipd.metrics()
                self.assertEqual(metrics['lokiship_entries_total{backend="berlin",outcome="shipped",reason=""}'], 6)
                self.assertEqual(metrics['lokiship_entries_total{backend="paris",outcome="shipped",reason=""}'], 2)
                self.assertEqual(shipd.end(), 0)

    def test_one_that_is_down_disturbs_no_other(self):
        down = Server(lambda *_: (500, {}, b"no way"))
        with down, Backend() as up, Sandbox("--history", "0") as world:
            config = f'[[backend]]\nname="down"\nurl="{down.url}"\n[[backend]]\nname="up"\nurl="{up.url}"\n'
            with Watched(world.loki, config) as shipd:
                shipd.wait_for("[down] the backend at")
                for n in range(1, 4):
                    up.add(1)
                    shipd.wait_for(f"[up] shipped 2 entries, {2 * n} in all")
                lanes = shipd.lanes()
                self.assertFalse(lanes["down"]["backend"]["up"])
                self.assertTrue(lanes["up"]["backend"]["up"])
                self.assertEqual(lanes["down"]["entries"]["fetched"], 0)
                code, text = shipd.get("/ready")
                self.assertEqual(code, 503)
                self.assertIn("backend down", text)
                self.assertNotIn("backend up", text)

    def test_each_has_a_state_of_its_own(self):
        folder = tempfile.mkdtemp(dir=SCRATCH.name)
        with Backend() as one, Backend() as two, Sandbox("--history", "0", "--max-chunk-age", "11d") as world:
            config = f'state-file = "{folder}/state"\n[[backend]]\nname="one"\nurl="{one.url}"\n[[backend]]\nname="two"\nurl="{two.url}"\n'
            one.add(1)
            two.add(2)
            with Watched(world.loki, config) as shipd:
                shipd.wait_for("[one] shipped 2 entries", "[two] shipped 4 entries")
                self.assertEqual(shipd.end(), 0)
            names = sorted(p.name for p in pathlib.Path(folder).iterdir() if not p.name.endswith(".lock"))
            self.assertEqual(names, ["state.one", "state.two"])
            with Watched(world.loki, config) as shipd:
                two.add(1)
                shipd.wait_for("[two] shipped 2 entries")
                self.assertEqual(shipd.lanes()["one"]["entries"]["shipped"], 0)

    def test_secrets_go_to_their_backend_alone(self):
        folder = pathlib.Path(tempfile.mkdtemp(dir=SCRATCH.name))
        (folder / "token").write_text("geheim")
        seen = {"one": [], "two": []}

        def page(name):
            def handle(method, path, headers, body):
                seen[name].append(headers.get("Authorization"))
                return 200, {"Content-Type": "application/json"}, b'{"logs":[]}'
            return handle

        with Server(page("one")) as one, Server(page("two")) as two, Sandbox("--history", "0") as world:
            config = f'[[backend]]\nname="one"\nurl="{one.url}"\ntoken-file="{folder}/token"\n[[backend]]\nname="two"\nurl="{two.url}"\n'
            with Watched(world.loki, config) as shipd:
                while not all(seen.values()):
                    shipd.state()
                self.assertEqual(set(seen["one"]), {"Bearer geheim"})
                self.assertEqual(set(seen["two"]), {None})
                self.assertEqual(shipd.end(), 0)

    def test_what_is_wrong_is_named(self):
        url = 'url="http://h:1"'
        for config, part in (
            (f"[[backend]]\n{url}\n", ":1 backend: has no name"),
            ('[[backend]]\nname="a"\n', ":1 backend: has no url"),
            (f'[[backend]]\nname="a"\n{url}\n[[backend]]\nname="a"\n{url}\n', ":5 name: 'a' is the name of another backend"),
            (f'[[backend]]\nname="a b"\n{url}\n', ":2 name: 'a b' is not a word"),
            (f'[[backend]]\nname="a.new"\n{url}\n', ":2 name: 'a.new' is not a word"),
            ('[[backend]]\nname="a"\nurl="h:1"\n', ":3 url: 'h:1' has no scheme"),
            (f'[[backend]]\nname="a"\n{url}\ntenant="x"\n', ":4 tenant: is no setting of a backend"),
            (f'[[backend]]\nname="a"\n{url}\nbatch-size=0\n', ":4 batch-size: '0' is not a whole number"),
            (f'[[backend]]\nname="a"\n{url}\nexternal-label=["job=x"]\n', "has a name that each entry has already"),
            ("backend = [1]\n", ":1 backend: must be a string"),
        ):
            with self.subTest(config):
                done = run("shipd", "--config", write_config(config))
                self.assertEqual(done.returncode, 2, done)
                self.assertIn(part, done.stderr)
        several = write_config(f'[[backend]]\nname="a"\n{url}\n')
        for name in ("BACKEND_URL", "BACKEND_TOKEN"):
            done = run("shipd", "--config", several, **{name: "http://h:1"})
            self.assertEqual(done.returncode, 2, done)
            self.assertIn(f"{name} (environment): cannot be used together with [[backend]] in ", done.stderr)
        done = run("backfill", "--config", several)
        self.assertEqual(done.returncode, 2, done)
        self.assertIn("backend: [[backend]] is for shipd alone", done.stderr)

    def test_they_are_printed(self):
        config = write_config('batch-size = 7\n[[backend]]\nname="a"\nurl="http://h:1"\n[[backend]]\nname="b"\nurl="http://u:geheim@h:2"\nbatch-size=9\n')
        done = run("shipd", "--config", config, "--print-config")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertNotIn("geheim", done.stdout)
        again = run("shipd", "--config", write_config(done.stdout.replace("# url", "url").replace("****", "x")), "--print-config")
        self.assertEqual(again.returncode, 0, again.stderr)
        part = again.stdout.split("[[backend]]")
        self.assertEqual(len(part), 3)
        self.assertRegex(part[1], r"batch-size = .7.")
        self.assertRegex(part[2], r"batch-size = .9.")


if __name__ == "__main__":
    unittest.main()
