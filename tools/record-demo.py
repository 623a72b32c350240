#!/usr/bin/env python3
"""Runs the demo's scripted part in a terminal of its own, and writes what it
shows as docs/demo.svg: one file, without scripts or anything from outside.

    make record-demo

The lines are the run's own and come in its order; the pauses are bounded, so that
the picture can be read. A viewer that does not animate shows the first lines.
"""
import fcntl
import html
import os
import pty
import re
import struct
import sys
import termios
import time

COLUMNS, ROWS = 112, 26
CHAR, LINE, MARGIN, BAR = 7.23, 16, 14, 26  # pixels, for 12 px type
SHORTEST, LONGEST, SCENE = 0.08, 1.2, 1.4   # seconds: pauses between lines, and before a scene
COLOURS = {"1": "b", "2": "d", "31": "r", "32": "g", "33": "y", "36": "c"}
STYLE = """
text{font:12px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;fill:#e6edf3}
.b{font-weight:bold;fill:#fff}.d{fill:#8b949e}.r{fill:#ff7b72}.g{fill:#56d364}.y{fill:#e3b341}.c{fill:#79c0ff}
.l{animation:show 1ms linear backwards}
@keyframes show{from{opacity:0}to{opacity:1}}
@media (prefers-reduced-motion:reduce){.l,.s{animation:none!important}}
"""


def record(command):
    """Runs a command in a terminal. Gives its lines, each with the time it was whole."""
    pid, fd = pty.fork()
    if pid == 0:
        os.environ.update(TERM="xterm-256color")
        os.environ.pop("NO_COLOR", None)
        os.execvp(command[0], command)
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    data, lines = b"", []
    while True:
        try:
            chunk = os.read(fd, 65536)
        except OSError:
            break
        if not chunk:
            break
        data += chunk
        *whole, data = data.split(b"\r\n")
        lines += [(time.monotonic(), line.decode()) for line in whole]
    _, status = os.waitpid(pid, 0)
    if status != 0:
        sys.exit("the demo failed:\n" + "\n".join(text for _, text in lines))
    return lines


def spans(line, column):
    """A line's text as SVG, from a column on, cut to the terminal's width."""
    runs, style = [], ""
    for part in re.split(r"(\x1b\[[0-9;]*m)", line):
        if part.startswith("\x1b"):
            style = COLOURS.get(part[2:-1], "")
            continue
        if column + len(part) > COLUMNS:
            part = part[:max(0, COLUMNS - column - 1)] + "…" if column < COLUMNS else ""
        column += len(part)
        if runs and runs[-1][0] == style:
            runs[-1][1] += part
        elif part:
            runs.append([style, part])
    out = []
    for style, part in runs:
        text = html.escape(part, quote=False).replace(" ", "\u00a0")  # which nothing joins
        out.append(f'<tspan class="{style}">{text}</tspan>' if style else text)
    return "".join(out)


def svg(lines):
    at, before, body, scrolls = 0.5, lines[0][0], [], [(0.0, 0)]
    for i, (when, line) in enumerate(lines):
        plain = re.sub(r"\x1b\[[0-9;]*m", "", line)
        at += min(max(when - before, SHORTEST), LONGEST)
        if re.match(r"\d/\d  |OUTCOME", plain):
            at += SCENE
        before = when
        y = BAR + MARGIN + (i + 1) * LINE
        if plain.strip():
            indent = len(plain) - len(plain.lstrip())
            x = MARGIN + CHAR * indent
            body.append(f'<text class="l" style="animation-delay:{at:.2f}s" x="{x:.1f}" y="{y}">{spans(line.lstrip(), indent)}</text>')
        if i >= ROWS:
            scrolls.append((at, (ROWS - i - 1) * LINE))
    last = at + 0.5
    frames = "".join(f"{100 * t / last:.2f}%{{transform:translateY({y}px)}}" for t, y in scrolls)
    width, height = int(2 * MARGIN + COLUMNS * CHAR), BAR + 2 * MARGIN + ROWS * LINE
    return f"""<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img" aria-label="make demo: six bad changes, each taken back within a moment">
<style>{STYLE}.s{{animation:scroll {last:.2f}s steps(1,end) forwards}}
@keyframes scroll{{{frames}100%{{transform:translateY({scrolls[-1][1]}px)}}}}</style>
<clipPath id="screen"><rect x="0" y="{BAR}" width="{width}" height="{height - BAR - MARGIN // 2}"/></clipPath>
<rect width="{width}" height="{height}" rx="8" fill="#0d1117" stroke="#30363d"/>
<circle cx="18" cy="14" r="5" fill="#ff5f57"/><circle cx="36" cy="14" r="5" fill="#febc2e"/><circle cx="54" cy="14" r="5" fill="#28c840"/>
<text x="{width // 2}" y="18" text-anchor="middle" class="d">make demo</text>
<g clip-path="url(#screen)"><g class="s">
{chr(10).join(body)}
</g></g>
</svg>
"""


def main():
    out = sys.argv[1]
    text = svg(record(sys.argv[2:]))
    with open(out, "w", encoding="utf-8") as f:
        f.write(text)
    print(f"wrote {out}: {len(text.encode())} bytes")


main()
