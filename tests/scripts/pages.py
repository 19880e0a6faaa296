"""The parts of pages that scripts write."""
import pathlib
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))
from lib import pages  # noqa: E402
from lib.command import Trouble  # noqa: E402

PAGE = """# Title
<!-- begin: written by scripts/one -->
old
<!-- end -->
between
<!-- begin: written by scripts/two -->
<!-- end -->
after
"""


class Pages(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        self.page = self.root / "page.md"
        self.page.write_text(PAGE)

    def test_only_what_is_between_the_markers_of_a_script_changes(self):
        pages.put_between("page.md", "scripts/one", "new\nlines", self.root)
        self.assertEqual(self.page.read_text(), PAGE.replace("old", "new\nlines"))
        pages.put_between("page.md", "scripts/two", "first", self.root)
        self.assertEqual(self.page.read_text(), PAGE.replace("old", "new\nlines").replace(
            "two -->\n", "two -->\nfirst\n"))

    def test_the_same_text_again_leaves_the_page_as_it_is(self):
        pages.put_between("page.md", "scripts/one", "old", self.root)
        self.assertEqual(self.page.read_text(), PAGE)

    def test_a_page_without_the_markers_is_named_and_left_alone(self):
        begin = "<!-- begin: written by scripts/one -->\n"
        for page in ("nothing\n", begin + "no end\n", PAGE + begin + "<!-- end -->\n"):
            self.page.write_text(page)
            with self.assertRaisesRegex(Trouble, "^page.md: expected <!-- begin: .* once"):
                pages.put_between("page.md", "scripts/one", "new", self.root)
            self.assertEqual(self.page.read_text(), page)

    def test_every_marker_of_the_project_names_a_script(self):
        marker = "<!-- begin: written by "
        scripts = [line.removeprefix(marker).removesuffix(" -->")
                   for page in (ROOT / "docs").glob("*.md")
                   for line in page.read_text().splitlines() if line.startswith(marker)]
        self.assertIn("scripts/reproduce", scripts)
        for script in scripts:
            self.assertTrue((ROOT / script).is_file(), script)

    def test_a_table_is_markdown(self):
        self.assertEqual(pages.table(["a", "b"], [["1", "2"], ["3", "4"]]),
                         "| a | b |\n| --- | --- |\n| 1 | 2 |\n| 3 | 4 |")


if __name__ == "__main__":
    unittest.main()
