#!/usr/bin/env python3
"""Calls and constructs that the house bans, each with the rooms where it is allowed all the same."""
import re

import lib

# pattern, folders where it is allowed, reason
RULES = [
    (r"\b(strcpy|strcat|v?sprintf|strtok|gets|atoi|atol|system|popen)\s*\(", (),
     "banned: use the bounded or checked call of base"),
    (r"\b(malloc|calloc|realloc|reallocarray|free|strn?dup|v?asprintf)\s*\(", ("src/base/",),
     "memory comes from base: arena, buf, xmalloc"),
    (r"\b(exit|abort|_Exit|quick_exit)\s*\(", ("src/main.c", "src/base/"), "only main exits"),
    (r"\b(v?printf|puts|putchar|perror)\s*\(|\b(stdout|stderr)\b",
     ("src/main.c", "src/base/", "src/cmd/"), "only cmd prints; fill an error or a buffer"),
    (r"\btypedef\s+(struct|union|enum)\b\s*(\w+\s*)?(\{|\*?\s*\w+\s*;)", (),
     "no typedef of structs"),
    (r"\berr_hint\([^;]*\);\s*(return\s+)?(err_set|err_errno|fail_with)\s*\(", (),
     "the error wipes the hint that stands before it"),
    (r"\b__(linux|APPLE)__\b", (), "platform code is one file per system, chosen by the Makefile"),
]

CHAIN = re.compile(r"else if \(!?\s*strn?(case)?cmp\s*\(")

HEAD = "/*\n * a\n * b\n * c\n */\n"
PLANTS = {
    "src/run/a.c": HEAD + "void a(char *b)\n{\n\tstrcpy(b, b);\n}\n",
    "src/run/b.c": HEAD + "void a(void *b)\n{\n\tfree(b);\n}\n",
    "src/doc/c.c": HEAD + "void a(void)\n{\n\texit(1);\n}\n",
    "src/view/d.c": HEAD + "void a(void)\n{\n\tfputs(\"a\", stderr);\n}\n",
    "include/doc/e.h": "typedef struct node node;\n",
    "src/base/f.c": HEAD + "#ifdef __linux__\n#endif\n",
    "src/run/h.c": HEAD + "int a(struct err *e)\n{\n\terr_hint(e, \"do\");\n"
                   "\treturn err_set(e, 1, \"b\");\n}\n",
    "src/cmd/g.c": HEAD + "void a(char *b)\n{\n\tif (!strcmp(b, b))\n\t\ta(b);\n" +
                   "\telse if (!strcmp(b, b))\n\t\ta(b);\n" * 3 + "}\n",
}


def check_chains(path, code):
    for function in re.finditer(r"^\{\n.*?^\}", code, re.M | re.S):
        chained = list(CHAIN.finditer(function.group()))
        if len(chained) >= 3:
            lib.report(path, lib.line_of(code, function.start() + chained[2].start()),
                       "the third `else if (strcmp` is a table")


def main():
    for path in lib.c_files("src", "include"):
        code = lib.code_only(lib.read(path))
        for pattern, allowed, reason in RULES:
            if path.startswith(allowed):
                continue
            for match in re.finditer(r"(?<![.>])" + pattern, code):
                lib.report(path, lib.line_of(code, match.start()), f"{match.group()}: {reason}")
        check_chains(path, code)
    lib.finish()


if __name__ == "__main__":
    main()
