"""Each check must bite: a small project with one thing wrong in it, for every rule."""

import pathlib
import subprocess
import tempfile
import unittest

import check_limits
import check_rooms
import check_style
import cpp_text


class Project(unittest.TestCase):
    def findings(self, check, **files):
        """What `check` says of a project with these files; a double underscore in a name stands for a slash."""
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            subprocess.run(["git", "init", "-q", root], check=True)
            for name, text in files.items():
                path = root / name.replace("__", "/").replace("_DOT_", ".")
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
            return "\n".join(check(root))


class Limits(Project):
    TEXT = """#pragma once

// How long, and
// how often.
inline constexpr auto kTime = std::chrono::milliseconds(20);
inline constexpr size_t kTimes = 1 << 10;

inline constexpr size_t kBytes =
    64 << 10;  // of one
inline constexpr std::chrono::seconds kPause{3};
"""

    def test_names_values_and_comments(self):
        self.assertEqual(list(check_limits.groups(self.TEXT)), [
            ("How long, and how often.", [("kTime", "20 ms", ""), ("kTimes", "1,024", "")]),
            ("", [("kBytes", "64 KiB", "of one"), ("kPause", "3 s", "")])])

    def test_a_page_that_says_something_else_is_found(self):
        found = self.findings(check_limits.check, lib__a__limits_DOT_h=self.TEXT, docs__reference__limits_DOT_md="")
        self.assertIn("docs/reference/limits.md: not what", found)
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            (root / "docs/reference").mkdir(parents=True)
            (root / "docs/reference/limits.md").write_text(check_limits.page(root))
            self.assertEqual(list(check_limits.check(root)), [])


class Rooms(Project):
    def rooms(self, **files):
        return self.findings(check_rooms.check, **files)

    def test_declared_edges_pass(self):
        self.assertEqual("", self.rooms(
            lib__a__CMakeLists_DOT_txt="tulle_room()", lib__a__x_DOT_h="",
            lib__b__CMakeLists_DOT_txt="tulle_room(ROOMS lib/a)", lib__b__y_DOT_cc='#include "lib/a/x.h"'))

    def test_undeclared_edge_is_named(self):
        found = self.rooms(
            lib__a__CMakeLists_DOT_txt="tulle_room()", lib__a__x_DOT_h="",
            lib__b__CMakeLists_DOT_txt="tulle_room(TEST_ROOMS lib/a)", lib__b__y_DOT_cc='#include "lib/a/x.h"',
            lib__b__y_test_DOT_cc='#include "lib/a/x.h"')
        self.assertEqual(found, "lib/b/y.cc:1: lib/b includes lib/a, which its CMakeLists.txt does not name")

    def test_main_may_include_the_rooms_of_its_program(self):
        files = {"lib__a__CMakeLists_DOT_txt": "tulle_room()", "lib__a__x_DOT_h": "",
                 "webhook__CMakeLists_DOT_txt": "tulle_program(w ROOMS lib/a)"}
        self.assertEqual("", self.rooms(**files, webhook__main_DOT_cc='#include "lib/a/x.h"'))
        self.assertIn("webhook includes lib/a", self.rooms(**files, webhook__other_DOT_cc='#include "lib/a/x.h"'))

    def test_fuzz_targets_may_include_the_rooms_they_name(self):
        files = {"lib__a__CMakeLists_DOT_txt": "tulle_room()", "lib__a__x_DOT_h": "",
                 "fuzz__path_DOT_cc": '#include "lib/a/x.h"'}
        self.assertEqual("", self.rooms(**files, fuzz__CMakeLists_DOT_txt="tulle_fuzz(path lib/a)"))
        self.assertIn("fuzz includes lib/a", self.rooms(**files, fuzz__CMakeLists_DOT_txt="tulle_fuzz(path)"))

    def test_headers_outside_rooms_are_found(self):
        self.assertIn("no header of a room", self.rooms(
            lib__a__CMakeLists_DOT_txt="tulle_room()", lib__a__x_DOT_cc='#include "x.h"', lib__a__x_DOT_h=""))
        self.assertIn("in no room", self.rooms(lib__a__x_DOT_cc=""))

    def test_lib_knows_no_product(self):
        self.assertIn("lib/a: lib must not know sidecar/b", self.rooms(
            lib__a__CMakeLists_DOT_txt="tulle_room(ROOMS sidecar/b)", sidecar__b__CMakeLists_DOT_txt="tulle_room()"))

    def test_sidecar_never_reaches_kube_by_any_way(self):
        self.assertIn("sidecar/b: the sidecar must never reach lib/kube", self.rooms(
            lib__kube__CMakeLists_DOT_txt="tulle_room()", lib__a__CMakeLists_DOT_txt="tulle_room(ROOMS lib/kube)",
            sidecar__b__CMakeLists_DOT_txt="tulle_room(ROOMS lib/a)"))

    def test_operator_and_sidecar_do_not_meet(self):
        self.assertIn("operator and sidecar meet only in lib", self.rooms(
            operator__a__CMakeLists_DOT_txt="tulle_room()",
            sidecar__b__CMakeLists_DOT_txt="tulle_room(ROOMS operator/a)"))

    def test_circles_and_test_doubles_in_programs_are_found(self):
        self.assertIn("lib/a: includes itself", self.rooms(
            lib__a__CMakeLists_DOT_txt="tulle_room(ROOMS lib/b)", lib__b__CMakeLists_DOT_txt="tulle_room(ROOMS lib/a)"))
        self.assertIn("lib/testing must not be in a shipped program", self.rooms(
            lib__testing__CMakeLists_DOT_txt="tulle_room()",
            sidecar__b__CMakeLists_DOT_txt="tulle_room(ROOMS lib/testing)"))

    def test_pure_rooms_do_no_io(self):
        for line in ("#include <fstream>", "#include <unistd.h>", "auto now = std::chrono::steady_clock::now();"):
            self.assertIn("values in, values out", self.rooms(
                sidecar__route__CMakeLists_DOT_txt="tulle_room()", sidecar__route__x_DOT_cc=line))


class Style(Project):
    def style(self, text, name="lib__a__x_DOT_cc"):
        return self.findings(check_style.check, **{name: text})

    def test_ordinary_code_passes(self):
        self.assertEqual("", self.style("int F(int a[]) { return a[1] ? 2 : 3; }\n"))

    def test_size_limits(self):
        self.assertIn("451 lines", self.style("\n" * 451))
        self.assertIn("111 columns", self.style("x" * 111))

    def test_words(self):
        self.assertIn("unfinished", self.style("// TO" "DO: later"))
        for path in ("/wo" "rk/main", "'/ro" "ot'", "/ho" "me/me/x"):
            self.assertIn("a path of one machine", self.style(f"// {path}"))
        self.assertEqual("", self.style("// a/work/b and /workers and $HOME/root"))
        self.assertIn("names the registry", self.style("// ghcr" ".io/x"))

    def test_vague_room(self):
        self.assertIn("no room is named util", self.style("", "lib__util__CMakeLists_DOT_txt"))

    def test_capturing_coroutine_lambdas(self):
        for bad in ("auto f = [&]() -> Task<void> { co_await Sleep(loop); };",
                    "Spawn([x = 1](int a) { co_return; });",
                    "Spawn([this] { if (a[1]) { co_await b; } });"):
            self.assertIn("a coroutine lambda with captures", self.style(bad), bad)
        for good in ("auto f = []() -> Task<void> { co_await Sleep(loop); };",
                     "auto f = [&] { return [](int a) -> Task<void> { co_return; }(1); };",
                     "auto f = [&] { return 1; }; co_await g;",
                     "// [&] { co_await x; }\n[[nodiscard]] int f();"):
            self.assertEqual("", self.style(good), good)

    def test_temporaries_in_co_await(self):
        for bad in ("co_await f({1, 2});", "auto x = co_await f(a ? b : c);", "if (co_await f(Options{1})) {}",
                    "co_await Sleep{1};", "co_await f(\n  g(1),\n  {2});"):
            self.assertIn("inside co_await", self.style(bad), bad)
        for good in ("if (co_await f(a)) { b = c ? 1 : 2; }", "co_await f(a); g({1});", "x = co_await f(a) ? 1 : 2;",
                     'co_await f("{?}");', "g(co_await f(a), {1});", "co_await f([] { return T{1}; });"):
            self.assertEqual("", self.style(good), good)


class CppText(unittest.TestCase):
    def test_blanks_literals_and_keeps_lines(self):
        text = 'a("{"); // {\n/* {\n */ b(R"({)"); c(\'{\'); d(1\'000);'
        blanked = cpp_text.blank(text)
        self.assertNotIn("{", blanked)
        self.assertEqual(text.count("\n"), blanked.count("\n"))
        self.assertEqual(len(text), len(blanked))


if __name__ == "__main__":
    unittest.main()
