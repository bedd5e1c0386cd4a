import os
import pathlib
import tempfile
import unittest
import unittest.mock

import cache


class Cache(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        patch = unittest.mock.patch.dict(os.environ, XDG_CACHE_HOME=folder.name)
        patch.start()
        self.addCleanup(patch.stop)

    def test_builds_once_per_key_and_forgets_the_key_before(self):
        built = []

        def build(path):
            built.append(path)
            path.write_text("x")

        old = cache.cached("thing", cache.key("1"), build)
        self.assertEqual(cache.cached("thing", cache.key("1"), build), old)
        self.assertEqual(len(built), 1)
        new = cache.cached("thing", cache.key("2"), build)
        self.assertTrue(new.exists())
        self.assertFalse(old.exists())

    def test_a_build_that_failed_leaves_nothing_that_looks_finished(self):
        def breaks(path):
            path.write_text("half")
            raise RuntimeError

        with self.assertRaises(RuntimeError):
            cache.cached("thing", cache.key("1"), breaks)
        again = cache.cached("thing", cache.key("1"), lambda path: path.write_text("whole"))
        self.assertEqual(again.read_text(), "whole")

    def test_a_key_depends_on_names_and_contents_of_files(self):
        source = self.folder / "source"
        source.mkdir()
        (source / "a").write_text("1")
        first = cache.key(source)
        (source / "a").rename(source / "b")
        renamed = cache.key(source)
        (source / "b").write_text("2")
        self.assertEqual(len({first, renamed, cache.key(source)}), 3)


if __name__ == "__main__":
    unittest.main()
