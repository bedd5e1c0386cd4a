"""Just enough of C++ to look for shapes in it: comments and strings blanked out, brackets matched."""

import re

COMMENT = r"//[^\n]*|/\*.*?\*/"
STRING = r'R"(?P<d>[^()\\ ]*)\(.*?\)(?P=d)"|"(?:\\.|[^"\\\n])*"'
CHARACTER = r"(?<![0-9a-fA-F])'(?:\\.|[^'\\\n])+'"
LITERAL = re.compile("|".join([COMMENT, STRING, CHARACTER]), re.DOTALL)
OPEN, CLOSE = "([{", ")]}"


def blank(text):
    """The text with comments and literals replaced by spaces, line breaks kept."""
    return LITERAL.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), text)


def line_of(text, position):
    return text.count("\n", 0, position) + 1


def matching(text, position):
    """The position of the bracket that closes the one at `position`, or the end of the text."""
    depth = 0
    for i in range(position, len(text)):
        depth += (text[i] in OPEN) - (text[i] in CLOSE)
        if depth == 0:
            return i
    return len(text)


def lambdas(text):
    """(captures, start, end of body) of every lambda expression, outer ones first."""
    for match in re.finditer(r"\[", text):
        start = match.start()
        before = text[:start].rstrip()[-1:]
        word = re.search(r"(\w*)\s*$", text[:start]).group(1)
        subscript = before in ("]", ")", "[") or word not in ("", "return", "co_return", "co_await")
        end = matching(text, start)
        if subscript or text[start + 1:start + 2] == "[" or end == len(text):
            continue
        body = body_after(text, end + 1)
        if body is not None:
            yield text[start + 1:end].strip(), body, matching(text, body)


def body_after(text, position):
    """Where the lambda's body opens, after its parameters and return type; None if this is no lambda."""
    while position < len(text):
        character = text[position]
        if character == "{":
            return position
        if character in ";,=)]}":
            return None
        position = matching(text, position) + 1 if character in "([" else position + 1
    return None


def awaited(text):
    """(start, end) of the operand of every co_await."""
    for match in re.finditer(r"\bco_await\b", text):
        position = match.end()
        while position < len(text) and text[position] not in ";,)]}":
            if text[position] == "?":
                break  # co_await f(x) ? a : b: the choice is made after the awaiting
            position = matching(text, position) + 1 if text[position] in OPEN else position + 1
        yield match.end(), position
