import tempfile
import unittest
from pathlib import Path

import migrate


class Reading(unittest.TestCase):
    def folder(self, *names):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        for name in names:
            (Path(folder.name) / name).write_text(f"-- {name}\n")
        return Path(folder.name)

    def test_order_is_by_number(self):
        found = migrate.read(self.folder("010_c.sql", "002_b.sql", "1_a.sql"))
        names = [migration[1] for migration in found]
        self.assertEqual(names, ["1_a.sql", "002_b.sql", "010_c.sql"])

    def test_bad_names_and_equal_numbers_are_refused(self):
        for names in (["first.sql"], ["1_a.sql", "01_b.sql"]):
            with self.subTest(names), self.assertRaises(migrate.MigrationError):
                migrate.read(self.folder(*names))

    def test_the_project_reads_its_own(self):
        self.assertGreaterEqual(len(migrate.read(Path(__file__).parent / "sql")), 2)


class Missing(unittest.TestCase):
    MIGRATIONS = [(1, "1_a.sql", "aa", ""), (2, "2_b.sql", "bb", "")]

    def test_what_is_applied_is_left_out(self):
        self.assertEqual(migrate.missing(self.MIGRATIONS, {1: "aa"}), self.MIGRATIONS[1:])
        self.assertEqual(migrate.missing(self.MIGRATIONS, {1: "aa", 2: "bb"}), [])

    def test_a_changed_file_is_refused(self):
        with self.assertRaisesRegex(migrate.MigrationError, "2_b.sql"):
            migrate.missing(self.MIGRATIONS, {2: "other"})


if __name__ == "__main__":
    unittest.main()
