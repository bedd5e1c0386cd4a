#!/usr/bin/env python3
"""Checks who includes whom: every edge between rooms is written down in CMakeLists.txt, and some may not exist.

usage: tools/check_rooms.py [ROOT]
"""

import pathlib
import re
import sys

import sources

PRODUCTS = ("operator", "webhook", "sidecar", "cli", "standalone")
PURE = ("operator/compile", "webhook/inject", "sidecar/route", "sidecar/balance")
IMPURE = re.compile(r"<(fstream|thread|unistd\.h|fcntl\.h|poll\.h|ctime|time\.h|sys/\w+\.h|random)>"
                    r"|\"lib/io/|(system|steady)_clock::now|\b(getenv|random_device)\b")
CALL = re.compile(r"^[ ]*tulle_(room|program|fuzz)\s*\(([^)]*)\)", re.MULTILINE)
KEYWORDS = ("ROOMS", "LIBRARIES", "TEST_ROOMS", "TEST_LIBRARIES")


class Room:
    def __init__(self, folder, cmake_text):
        self.folder = folder
        self.rooms, self.test_rooms, self.program_rooms = set(), set(), set()
        for kind, arguments in CALL.findall(re.sub(r"#.*", "", cmake_text)):
            lists = keyword_lists(arguments)
            if kind == "fuzz":  # tulle_fuzz(name room...): the folder is one room of programs
                self.test_rooms.update(arguments.split()[1:])
                continue
            (self.rooms if kind == "room" else self.program_rooms).update(lists["ROOMS"])
            self.test_rooms.update(lists["TEST_ROOMS"])

    def allowed(self, file_name):
        if self.folder == "fuzz":
            return self.test_rooms
        if file_name == "main.cc":
            return self.rooms | self.program_rooms
        return self.rooms | self.test_rooms if file_name.endswith("_test.cc") else self.rooms


def keyword_lists(arguments):
    lists, current = {keyword: [] for keyword in KEYWORDS}, None
    for word in arguments.split():
        if word in KEYWORDS:
            current = word
        elif current:
            lists[current].append(word)
    return lists


def find_rooms(root):
    rooms = {}
    for path in sources.project_files(root):
        if path.name == "CMakeLists.txt":
            text = (root / path).read_text()
            if CALL.search(re.sub(r"#.*", "", text)):
                rooms[str(path.parent)] = Room(str(path.parent), text)
    return rooms


def room_of(path, rooms):
    return next((str(folder) for folder in path.parents if str(folder) in rooms), None)


def undeclared(root, rooms):
    for path in sources.cpp_files(root):
        own = room_of(path, rooms)
        if own is None:
            yield f"{path}: in no room: its folder has no CMakeLists.txt with tulle_room or tulle_program"
            continue
        text = (root / path).read_text()
        for number, header in sources.included(text):
            target = room_of(pathlib.Path(header), rooms)
            if not (root / header).is_file() or target is None:
                yield f"{path}:{number}: \"{header}\" is no header of a room (includes start at the root)"
            elif target != own and target not in rooms[own].allowed(path.name):
                yield f"{path}:{number}: {own} includes {target}, which its CMakeLists.txt does not name"


def reachable(start, rooms):
    seen, queue = set(), list(start)
    while queue:
        room = queue.pop()
        if room not in seen:
            seen.add(room)
            queue += rooms[room].rooms if room in rooms else ()
    return seen


def product(folder):
    top = folder.split("/")[0]
    return top if top in PRODUCTS else None


def forbidden(rooms):
    for folder, room in sorted(rooms.items()):
        shipped = room.rooms | room.program_rooms
        for name in sorted((shipped | room.test_rooms) - set(rooms)):
            yield f"{folder}/CMakeLists.txt: there is no room {name}"
        everything = reachable(shipped, rooms)
        if folder in reachable(room.rooms, rooms):
            yield f"{folder}: includes itself by way of other rooms"
        if folder.startswith("lib/"):
            for other in sorted(filter(product, everything | room.test_rooms)):
                yield f"{folder}: lib must not know {other}"
        if product(folder) == "sidecar" and "lib/kube" in everything:
            yield f"{folder}: the sidecar must never reach lib/kube"
        if product(folder) and "lib/testing" in everything:
            yield f"{folder}: lib/testing must not be in a shipped program"
        for other in sorted(everything):
            if {product(folder), product(other)} == {"operator", "sidecar"}:
                yield f"{folder}: operator and sidecar meet only in lib, not in {other}"


def impure(root, rooms):
    for path in sources.cpp_files(root):
        if room_of(path, rooms) in PURE and not path.name.endswith("_test.cc"):
            for number, line in enumerate((root / path).read_text().splitlines(), 1):
                if IMPURE.search(line):
                    yield f"{path}:{number}: values in, values out: no I/O, clock or environment in this room"


def check(root):
    rooms = find_rooms(root)
    return [*undeclared(root, rooms), *forbidden(rooms), *impure(root, rooms)]


if __name__ == "__main__":
    sys.exit(sources.report(check(pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else sources.ROOT)))
