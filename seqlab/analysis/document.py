"""A report as headings, paragraphs, tables and figures, written as Markdown and as one HTML file."""

from __future__ import annotations

import base64
import csv
import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from seqlab.files import replaced_folder, write_text

REPORT = "report.md"
STYLE = (
    "body{font-family:sans-serif;max-width:60em;margin:2em auto;padding:0 1em;line-height:1.4}"
    "table{border-collapse:collapse}td,th{border:1px solid #bbb;padding:.2em .6em;text-align:right}"
    "td:first-child,th:first-child{text-align:left}img{max-width:100%}"
)


@dataclass
class Document:
    """What a report says, in its order.

    Args:
        title: Its title.
        blocks: Kind and content of each part; `heading`, `text`, `table` and `figure` add them.
        figures: Figures by file name.
    """

    title: str
    blocks: list[tuple[str, Any]] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)

    def heading(self, text: str, level: int = 2) -> None:
        """Adds a heading."""
        self.blocks.append(("heading", (level, text)))

    def text(self, text: str) -> None:
        """Adds a paragraph."""
        self.blocks.append(("text", text))

    def table(self, header: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Adds a table; its cells are written as `str` does."""
        self.blocks.append(("table", (list(header), [[str(cell) for cell in row] for row in rows])))

    def figure(self, file: str, figure: Any, caption: str) -> None:
        """Adds a matplotlib figure."""
        self.figures[file] = figure
        self.blocks.append(("figure", (file, caption)))

    def write(self, folder: str | Path) -> None:
        """Writes `report.md`, `report.html`, which holds its pictures, and a PNG file for each figure."""
        folder = Path(folder)
        for file, figure in self.figures.items():
            figure.savefig(folder / file, dpi=110)
        write_text(folder / REPORT, self.markdown())
        write_text(folder / "report.html", self.html(folder))

    def plain(self) -> str:
        """Returns headings, paragraphs and tables for a terminal."""
        parts = [self.title]
        following = [kind for kind, _ in self.blocks[1:]] + [""]
        for (kind, content), after in zip(self.blocks, following, strict=True):
            if kind == "heading" and after != "figure":
                parts.append(f"{'#' * content[0]} {content[1]}")
            elif kind == "table":
                lines = [content[0], *content[1]]
                widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
                for row in lines:
                    cells = [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
                    parts.append("  ".join([row[0].ljust(widths[0]), *cells]).rstrip())
                parts.append("")
            elif kind == "text":
                parts.append(content)
        return "\n".join(parts)

    def markdown(self) -> str:
        """Returns the report as Markdown, whose figures lie beside it."""
        parts = [f"# {self.title}"]
        for kind, content in self.blocks:
            if kind == "heading":
                parts.append(f"{'#' * content[0]} {content[1]}")
            elif kind == "table":
                header, rows = content
                lines = [header, ["---"] * len(header), *rows]
                escaped = [[cell.replace("|", "\\|") for cell in row] for row in lines]
                parts.append("\n".join(f"| {' | '.join(row)} |" for row in escaped))
            elif kind == "figure":
                parts.append(f"![{content[1]}]({content[0]})\n\n{content[1]}")
            else:
                parts.append(content)
        return "\n\n".join(parts) + "\n"

    def html(self, folder: str | Path) -> str:
        """Returns the report as one HTML page, with the pictures that lie in a folder inside it."""
        parts = [f"<h1>{html.escape(self.title)}</h1>"]
        for kind, content in self.blocks:
            if kind == "heading":
                parts.append(f"<h{content[0]}>{html.escape(content[1])}</h{content[0]}>")
            elif kind == "table":
                header, rows = content
                lines = [_row(header, "th"), *(_row(row, "td") for row in rows)]
                parts.append("<table>\n" + "\n".join(lines) + "\n</table>")
            elif kind == "figure":
                image = base64.b64encode((Path(folder) / content[0]).read_bytes()).decode()
                caption = html.escape(content[1])
                parts.append(f'<p><img alt="{caption}" src="data:image/png;base64,{image}"><br>{caption}</p>')
            else:
                parts.append(f"<p>{html.escape(content)}</p>")
        head = f'<meta charset="utf-8"><title>{html.escape(self.title)}</title><style>{STYLE}</style>'
        return f'<!doctype html>\n<html lang="en"><head>{head}</head><body>\n' + "\n".join(parts) + "\n</body></html>\n"


def write_report(document: Document, tables: Mapping[str, Sequence[Sequence[Any]]], folder: str | Path) -> None:
    """Writes a document, its figures, and tables as CSV files.

    A folder that holds such a report is replaced.

    Args:
        document: What the report says.
        tables: Rows by the file's name without its ending, the header first; one of a header alone is left out.
        folder: The folder to write.

    Raises:
        FileExistsError: If something else stands there.
    """
    with replaced_folder(folder, lambda path: (path / REPORT).is_file()) as target:
        document.write(target)
        for name, rows in tables.items():
            if len(rows) > 1:
                with (target / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
                    csv.writer(file, lineterminator="\n").writerows(rows)


def _row(cells: Sequence[str], tag: str) -> str:
    return "<tr>" + "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in cells) + "</tr>"
