#!/usr/bin/env python3
"""Cycles for an instruction, as the cores' manuals give them, over what a network executes
(docs/estimates.md). It runs the images that mcu_bench leaves behind:

    mcu_bench kws.c --board mps2-an386,mps2-an385-m0plus,riscv32-virt --work DIR
    cycles.py BUILD/bench/mcu/libtuco_mix_plugin.so DIR/kws.*

Memory is without wait states. Needs nothing but Python, QEMU and nm.
"""

import pathlib
import re
import subprocess
import sys

ARM = ("arm-none-eabi-nm", ["qemu-system-arm", "-M"])
BOARDS = {
    "mps2-an386": (*ARM, "mps2-an386", "m4"),
    "mps2-an385-m0plus": (*ARM, "mps2-an385", "m0plus"),
    "riscv32-virt": ("riscv64-unknown-elf-nm", ["qemu-system-riscv32", "-bios", "none", "-M"], "virt", "rv32"),
}


def executed(plugin, folder, board):
    """(address, times, taken, name, operands) of each instruction, by address."""
    nm, emulator, machine, core = BOARDS[board]
    elf = str(folder / "image.elf")
    symbols = subprocess.run([nm, elf], check=True, capture_output=True, text=True).stdout
    begin, end = (re.search(rf"([0-9a-f]+) T mcu_count_{mark}\n", symbols).group(1) for mark in ("begin", "end"))
    run = subprocess.run(emulator + [machine, "-nographic", "-monitor", "none", "-serial", "none", "-plugin",
                                     f"{plugin},begin={begin},end={end}", "-semihosting-config",
                                     "enable=on,target=native", "-kernel", elf],
                         check=True, capture_output=True, text=True, timeout=600)
    found = []
    for line in (run.stdout + run.stderr).splitlines():
        if line.startswith("instruction "):
            address, times, taken, text = line.split(None, 4)[1:]
            words = text.split(None, 1)
            if core == "rv32":  # the disassembler puts the bytes first
                words = words[1].split(None, 1)
            found.append((int(address, 16), int(times), int(taken), words[0].split(".")[0] if core != "rv32" else words[0],
                          words[1] if len(words) > 1 else ""))
    return core, sorted(found)


def registers(operands):
    listed = re.search(r"\{(.*)\}", operands)
    return listed.group(1).count(",") + 1 if listed else 1


def cortex_m4(instructions, refill, pipelined):
    """Loads and stores take one cycle directly behind another one, and two else; stores one where
    they are buffered. A taken branch takes `refill` more."""
    cycles, behind = 0, (False, 0)
    for address, times, taken, name, operands in instructions:
        single = bool(re.match(r"v?(ldr|str)", name))
        load = single and "ldr" in name
        each = 1
        if name in ("ldrd", "strd"):
            each = 3
        elif single:
            adjacent = behind[0] and address - behind[1] <= 4
            each = 1 if pipelined and (adjacent or not load) else 2
        elif re.match(r"(push|pop|ldm|stm)", name):
            each = 1 + registers(operands)
        elif re.match(r"[su]div", name):
            each = 7
        cycles += times * each + taken * refill
        behind = (single, address)
    return cycles


def cortex_m0plus(instructions):
    cycles = 0
    for _, times, taken, name, operands in instructions:
        each = 1
        if re.match(r"(ldr|str)", name):
            each = 2
        elif re.match(r"(push|pop|ldm|stm)", name):
            each = 1 + registers(operands)
        elif name == "bl":
            each = 2
        cycles += times * each + taken * (2 if name == "pop" else 1)
    return cycles


def rv32(instructions, load, refill):
    return sum(times * (load if re.fullmatch(r"(c\.)?l(w|h|b|bu|hu|wsp)", name) else 1) + taken * refill
               for _, times, taken, name, _ in instructions)


def main(plugin, folders):
    for folder in map(pathlib.Path, folders):
        board = folder.name.split(".")[1]
        core, instructions = executed(plugin, folder, board)
        total = sum(times for _, times, _, _, _ in instructions)
        if core == "m4":
            kinds = [cortex_m4(instructions, 1, True), cortex_m4(instructions, 2, True), cortex_m4(instructions, 3, False)]
        elif core == "m0plus":
            kinds = [cortex_m0plus(instructions)]
        else:
            kinds = [rv32(instructions, 1, 1), rv32(instructions, 1.5, 2), rv32(instructions, 2, 3)]
        print(f"{folder.name:40} {total:>12,} instructions,", " ".join(f"{c / total:.2f}" for c in kinds), "cycles for one")


main(sys.argv[1], sys.argv[2:])
