"""What the compiler's flags came to: looked for in the program, not in the Makefile."""

import os
import platform
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BFFD = Path(os.environ.get("BFFD", ROOT / "build" / "bffd")).absolute()
each_program = pytest.mark.parametrize("program", [BFFD, BFFD.with_name("bffctl")], ids=lambda p: p.name)
MACHINE = {
    "x86_64": {
        "note": "IBT, SHSTK",
        "mark": "endbr64",
        "promise": "SHSTK",
        "touch": r"orq +\$0x0,\(%rsp\)",
    },
    "aarch64": {
        "note": "BTI, PAC",
        "mark": "(paciasp|bti)",
        "promise": "",
        "touch": r"str\txzr, \[sp",
    },
}[platform.machine()]


def output_of(*command):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def readelf(*arguments):
    return output_of("readelf", "-W", *arguments)


def segments(program):
    """(type, flags) of each program header, the flags as in "R E"."""
    line = re.compile(r"^  (\w+) +(?:0x[0-9a-f]+ +){5}([R ][W ][E ]) ", re.MULTILINE)
    found = line.findall(readelf("-l", program))
    assert len(found) > 5
    return found


def dynamic(program):
    """{tag: [values]} of the dynamic section."""
    found = {}
    for tag, value in re.findall(r"^ 0x\w+ \((\w+)\) +(.*)$", readelf("-d", program), re.MULTILINE):
        found.setdefault(tag, []).append(value)
    assert "NEEDED" in found
    return found


def imported(program):
    """The functions that it takes from libraries."""
    found = set(re.findall(r" UND (\w+)@", readelf("--dyn-syms", program)))
    assert "malloc" in found
    return found


def instructions(program):
    return output_of("objdump", "-d", "--no-show-raw-insn", program)


@each_program
def test_it_is_loaded_anywhere(program):
    assert re.search(r"Type: +DYN \(Position-Independent", readelf("-h", program))
    assert "PIE" in dynamic(program)["FLAGS_1"][0].split()


@each_program
def test_what_the_loader_resolves_is_read_only_before_main(program):
    assert "GNU_RELRO" in {kind for kind, _ in segments(program)}
    assert dynamic(program)["FLAGS"] == ["BIND_NOW"]
    assert "NOW" in dynamic(program)["FLAGS_1"][0].split()


@each_program
def test_the_stack_is_not_executable(program):
    assert [flags for kind, flags in segments(program) if kind == "GNU_STACK"] == ["RW "]


@each_program
def test_nothing_is_both_writable_and_executable(program):
    assert not [one for one in segments(program) if "W" in one[1] and "E" in one[1]]
    assert "TEXTREL" not in dynamic(program)


@each_program
def test_code_is_mapped_apart_from_data(program):
    assert [flags for kind, flags in segments(program) if kind == "LOAD" and "E" in flags] == ["R E"]
    assert "R  " in [flags for kind, flags in segments(program) if kind == "LOAD"]


@each_program
def test_no_directory_of_libraries_is_named(program):
    assert not {"RPATH", "RUNPATH"} & set(dynamic(program))


@each_program
def test_return_addresses_are_guarded(program):
    assert "__stack_chk_fail" in imported(program)
    assert instructions(program).count("<__stack_chk_fail@plt>") > (200 if program == BFFD else 50)


@each_program
def test_library_calls_are_fortified(program):
    assert {"__snprintf_chk", "__memcpy_chk", "__fprintf_chk"} <= imported(program)
    assert not {"fprintf", "printf"} & imported(program)


def test_sizes_that_only_the_run_knows_are_checked_too():
    """_FORTIFY_SOURCE=3: no memset() of ours clears an object whose size the compiler knows by
    level 2 and does not clear in place, but some clear what was allocated a line before."""
    assert "__memset_chk" in imported(BFFD)


@each_program
def test_variables_start_as_zeros(program):
    """gcc writes its flags down for the debugger, once for each file."""
    units = re.findall(r"DW_AT_producer.*", readelf("--debug-dump=info", "--dwarf-depth=1", program))
    ours = [unit for unit in units if "-std=c11" in unit]
    assert len(ours) > 40
    assert not [unit for unit in ours if "-ftrivial-auto-var-init=zero" not in unit]


@each_program
def test_returns_and_indirect_jumps_are_marked(program):
    """Debian's crt1.o has no note, and x86's _start no mark for who jumps there: so the program as
    a whole can promise no more than clean returns. Our objects have both, one and all."""
    objects = sorted((BFFD.parent / "bff").rglob("*.o"))
    assert len(objects) > 80
    bare = [one.name for one in objects if MACHINE["note"] not in readelf("-n", one)]
    assert not bare
    assert re.search(rf"<main>:\n +[0-9a-f]+:\t{MACHINE['mark']}", instructions(program))
    assert MACHINE["promise"] in readelf("-n", program)


def test_a_large_frame_touches_each_of_its_pages():
    assert re.search(MACHINE["touch"], instructions(BFFD))
