"""The files of the project, as every check sees them: what git tracks, and what it would track."""

import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent


def project_files(root=ROOT):
    """Paths relative to `root`, sorted; deleted files and what .gitignore names are left out."""
    command = ["git", "-c", f"safe.directory={root}", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout
    return sorted({pathlib.Path(line) for line in listed.splitlines() if (root / line).is_file()})


def cpp_files(root=ROOT, suffixes=(".cc", ".h")):
    return [path for path in project_files(root) if path.suffix in suffixes]


def included(text):
    """The project's own headers that a source text includes, with their line numbers."""
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        words = line.strip().split('"')
        if words[0].replace(" ", "") == "#include" and len(words) >= 3:
            found.append((number, words[1]))
    return found


def report(findings):
    """Prints what a check found and returns its exit status."""
    for finding in findings:
        print(finding)
    return 1 if findings else 0
