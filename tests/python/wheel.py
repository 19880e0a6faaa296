"""usage: wheel.py BUILD: makes the wheel of BUILD, installs it with pip into an environment of its own,
without a network, and uses it. Exit code 77, "skipped", where BUILD has no Python package, or there
is no pip, venv or numpy."""

import base64
import csv
import hashlib
import importlib.util
import io
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest
import zipfile

SOURCE = pathlib.Path(__file__).resolve().parents[2]
BUILD = None


def run(*command, **options):
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=250,
                          check=False, **options)
    if done.returncode != 0:
        raise AssertionError(f"{command}: {done.stdout}{done.stderr}")
    return done.stdout


class Wheel(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory()
        cls.folder = pathlib.Path(cls.temporary.name)
        cls.root = cls.folder / "root"
        run("cmake", "--install", BUILD, "--component", "wheel", "--prefix", cls.root)
        cls.wheel = cls.make("first")

    @classmethod
    def tearDownClass(cls):
        cls.temporary.cleanup()

    @classmethod
    def make(cls, name):
        return pathlib.Path(run(sys.executable, SOURCE / "python" / "make_wheel.py", cls.root,
                                cls.folder / name).strip())

    def test_its_name_and_record_are_right(self):
        version = run(BUILD / "cleave", "--version").split()[-1]
        tag = f"cp{sys.version_info.major}{sys.version_info.minor}"
        self.assertTrue(self.wheel.name.startswith(f"cleave-{version}-{tag}-{tag}-linux_"))
        with zipfile.ZipFile(self.wheel) as archive:
            info = f"cleave-{version}.dist-info"
            rows = list(csv.reader(io.StringIO(archive.read(f"{info}/RECORD").decode())))
            self.assertEqual({row[0] for row in rows}, set(archive.namelist()))
            for name, digest, size in rows[:-1]:
                content = archive.read(name)
                found = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=")
                self.assertEqual(digest, "sha256=" + found.decode(), name)
                self.assertEqual(int(size), len(content), name)
            self.assertIn(f"Version: {version}\n", archive.read(f"{info}/METADATA").decode())
            self.assertIn(f"Tag: {tag}-{tag}-linux_", archive.read(f"{info}/WHEEL").decode())

    def test_the_same_files_give_the_same_wheel(self):
        self.assertEqual(self.make("second").read_bytes(), self.wheel.read_bytes())

    def test_pip_installs_what_runs(self):
        environment = self.folder / "environment"
        run(sys.executable, "-m", "venv", "--system-site-packages", environment)
        python = environment / "bin" / "python"
        run(python, "-m", "pip", "install", "--no-index", "--no-cache-dir", self.wheel)
        code = ("import cleave, json; print(cleave.__file__); "
                "print(json.dumps(cleave.run({'workload': {'duration_s': 5}}).summary))")
        file, summary = run(python, "-I", "-c", code, cwd=self.folder).splitlines()
        self.assertTrue(file.startswith(str(environment)), file)
        self.assertEqual(json.loads(summary),
                         json.loads(run(BUILD / "cleave", "run", "--json", "--set",
                                        "workload.duration_s=5")))
        # Its own library, not one that lies in the build folder.
        maps = run(python, "-I", "-c", "import cleave; print(open('/proc/self/maps').read())",
                   cwd=self.folder)
        libraries = {line.split()[-1] for line in maps.splitlines() if "libcleave" in line}
        self.assertEqual(len(libraries), 1)
        self.assertTrue(libraries.pop().startswith(str(environment)))
        run(python, "-m", "pip", "uninstall", "--yes", "cleave")


if __name__ == "__main__":
    BUILD = pathlib.Path(sys.argv.pop(1)).resolve()
    if not (BUILD / "python" / "cleave" / "_cleave.so").exists():
        print(f"skipped: {BUILD} has no Python package; build all of it")
        sys.exit(77)
    for module in ("pip", "venv", "ensurepip", "numpy"):
        if importlib.util.find_spec(module) is None:
            print(f"skipped: this Python has no {module} (Debian: python3-pip, python3-venv, python3-numpy)")
            sys.exit(77)
    unittest.main(verbosity=2)
