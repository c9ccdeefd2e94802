"""The man pages and completions that the tools write have all options, and programs that read such files take them."""

import pathlib
import re
import shutil
import subprocess
import unittest

from harness import PATIENCE, SCRATCH, run

TOOLS = ("shipd", "backfill")


def options(name):
    """What `--help` shows: option and what stands for its value."""
    line = r"^  (?:-\w,)?(--[a-z-]+)(?:,(--no-[a-z-]+)\{false\})?(?: ([A-Z=:/]+|\S*\|\S*)(?=\s))?"
    found = re.findall(line, run(name, "--help").stdout, re.MULTILINE)
    return {option: value for option, _, value in found} | {off: "" for _, off, _ in found if off}


def written(name, kind):
    done = run(name, "--help-format", kind)
    assert done.returncode == 0, done
    return done.stdout


def file(name, kind):
    path = pathlib.Path(SCRATCH.name, f"{name}.{kind}")
    path.write_text(written(name, kind), encoding="utf-8")
    return str(path)


def said(*command, **more):
    return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, cwd=SCRATCH.name, check=True, **more).stdout


class Reference(unittest.TestCase):
    def test_each_form_has_the_options_of_help(self):
        for name in TOOLS:
            help_ = options(name)
            self.assertLessEqual({"--help", "--version", "--config", "--print-config", "--loki", "--no-redact"}, help_.keys())
            self.assertEqual(help_["--loki"], "URL")
            man = re.findall(r"^(?:\\fB\\-h\\fR, )?\\fB(\\-\\-[^ ]+)\\fR(?: \\fI(.*)\\fR)?$", written(name, "man"), re.MULTILINE)
            self.assertEqual({o.replace("\\", ""): v.replace("\\", "") for o, v in man}, help_)
            zsh = re.findall(r"^    '\*?(--[a-z-]+)=?\[.*\](?::((?:[^':\\]|\\.)*):.*)?'", written(name, "zsh"), re.MULTILINE)
            self.assertEqual({o: v.replace("\\", "") for o, v in zsh}, help_)
            fish = re.findall(r" -l (\S+)", written(name, "fish"))
            self.assertEqual({"--" + o for o in fish}, help_.keys())
            bash = re.findall(r"compgen -W '(-h --help [^']*)'", written(name, "bash"))
            self.assertEqual(set(bash[0].split()) - {"-h"}, help_.keys())

    def test_man_shows_what_is_to_be_known(self):
        if not shutil.which("mandoc"):
            self.skipTest("mandoc is not installed")
        for name in TOOLS:
            path = file(name, "man")
            # It has no date, so that each build makes the same page.
            lint = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", path], capture_output=True, text=True, timeout=PATIENCE)
            self.assertEqual([line for line in lint.stdout.splitlines() if "missing date" not in line], [], lint)
            page = " ".join(re.sub(".\b", "", said("mandoc", "-T", "utf8", path)).split())
            for part in (
                "EXIT STATUS 0 ",
                "--late-entries reject|restamp",
                "(default 60s) [LOKISHIP_BACKEND_TIMEOUT]" if name == "shipd" else "(default 5m) [LOKISHIP_BACKEND_TIMEOUT]",
                "LOKI_PASSWORD",
                "http_proxy",
                ".env in the working directory",
            ):
                self.assertIn(part, page)

    def completions(self, shell, name, words):
        """What the shell offers for the last of the words."""
        path = file(name, shell)
        if shell == "bash":
            script = 'source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); compopt() { :; }; _$1; printf "%s\\n" "${COMPREPLY[@]}"'
            # As readline parts them.
            parted = [part for word in words for part in (re.split("(=)", word) if word.startswith("--") else [word])]
            return said("bash", "-euc", script, path, *[p for i, p in enumerate(parted) if p or i == len(parted) - 1]).split()
        line = " ".join(words)
        if shell == "fish":
            offered = said("fish", "--no-config", "-c", f"source {path}; complete -C '{line}'", env={"HOME": SCRATCH.name, "PATH": "/usr/bin:/bin"})
            return [o.split("\t")[0].split("=")[-1] if "=" in line else o.split("\t")[0] for o in offered.splitlines()]
        # The completion system wants a terminal. What it would add is shown, each on a line with a mark.
        setup = r"""
            fpath=($PWD $fpath)
            autoload -Uz compinit
            compinit -u -D
            show() {
                compadd() { builtin compadd -O kept "$@"; print -rl -- "" "${kept[@]/#/<}"; builtin compadd "$@" }
                _main_complete
                compstate[insert]= compstate[list]=
                print "<"DONE
            }
            zle -C show complete-word show
            bindkey '^X' show
        """
        script = r"""
            zmodload zsh/zpty
            zpty it zsh -f -i
            zpty -w it 'source ./setup.zsh'
            zpty -n -w it "$1"$'\x18'
            while zpty -r it line; do print -r -- "$line"; [[ $line != *"<DONE"* ]] || break; done
        """
        pathlib.Path(SCRATCH.name, "setup.zsh").write_text(setup, encoding="utf-8")
        pathlib.Path(SCRATCH.name, "_" + name).write_text(written(name, shell), encoding="utf-8")
        offered = said("zsh", "-f", "-c", script, "zsh", line)
        return sorted(set(re.findall(r"^<(\S+)", offered.replace("\r", ""), re.MULTILINE)) - {"DONE"})

    def test_shells_complete(self):
        for shell in ("bash", "zsh", "fish"):
            if not shutil.which(shell):
                continue
            with self.subTest(shell):
                self.assertEqual(self.completions(shell, "shipd", ["shipd", "--poll"]), ["--poll-interval"])
                self.assertEqual(set(self.completions(shell, "backfill", ["backfill", "--progress", ""])), {"auto", "always", "never", "json"})
                self.assertEqual(self.completions(shell, "backfill", ["backfill", "--encoding=j"]), ["json"])
                self.assertEqual(set(self.completions(shell, "backfill", ["backfill", "--once", "--verify"])) - {"--verify"}, {"--verify-wait"})
                self.assertEqual(self.completions(shell, "shipd", ["shipd", "--batch-size", ""]), [])


if __name__ == "__main__":
    unittest.main()
