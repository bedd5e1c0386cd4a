import pathlib
import re
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import artifacts  # noqa: E402

ROOT = artifacts.ROOT


class Manifests(unittest.TestCase):
    def test_install_yaml_is_what_its_parts_say(self):
        subprocess.run([ROOT / "manifests" / "assemble", "--check"], check=True)

    def test_they_run_the_images_that_the_dockerfile_makes(self):
        install, dockerfile = (ROOT / "manifests" / "install.yaml").read_text(), (ROOT / "Dockerfile").read_text()
        for image in re.findall(r"^ +image: (\S+)$", install, re.MULTILINE):
            self.assertIn(image, artifacts.MESH_IMAGES.values())
        for part in artifacts.MESH_IMAGES:
            self.assertIn(f" AS {part}\n", dockerfile)


class Dockerfile(unittest.TestCase):
    def test_builds_with_the_libraries_that_the_checkout_is_built_with(self):
        dockerfile = (ROOT / "Dockerfile").read_text()
        for package in re.findall(r"^lib\S+-dev$", (ROOT / "tools" / "packages.txt").read_text(), re.MULTILINE):
            self.assertIn(f" {package} ", dockerfile)


if __name__ == "__main__":
    unittest.main()
