"""How figures are shown: as a table, and as a chart."""

import html


class Table:
    """Columns as pairs of heading and format; each row is printed as it comes."""

    def __init__(self, title, *columns):
        self.title, self.rows = title, []
        self.headings = [heading for heading, _ in columns]
        self.formats = [form for _, form in columns]

    def add(self, *values):
        cells = [format(value, form) for value, form in zip(values, self.formats)]
        if not self.rows:
            self.widths = [max(len(heading), len(cell) + 3) for heading, cell in zip(self.headings, cells)]
            print(f"\n{self.title}\n{self.line(self.headings)}")
        self.rows.append(cells)
        print(self.line(cells), flush=True)

    def line(self, cells):
        return "  ".join(cell.rjust(width) for cell, width in zip(cells, self.widths))

    def markdown(self):
        rows = [self.headings, ["---:"] * len(self.headings), *self.rows]
        return f"**{self.title}**\n\n" + "".join(f"| {' | '.join(cell.strip() for cell in row)} |\n" for row in rows)


class Chart:
    """Horizontal bars in named groups, as an SVG that needs nothing else."""

    WIDTH, LEFT, RIGHT, BAR, GAP = 760, 190, 60, 18, 8

    def __init__(self, title, subtitle):
        self.title, self.subtitle, self.groups = title, subtitle, {}

    def add(self, group, label, value):
        self.groups.setdefault(group, []).append((label, value))

    def svg(self):
        most = max(value for bars in self.groups.values() for _, value in bars)
        scale = (self.WIDTH - self.LEFT - self.RIGHT) / most
        parts, y = [], 78
        for group, bars in self.groups.items():
            parts.append(self.text(24, y + 12, group, 'font-weight="bold"'))
            y += 22
            for label, value in bars:
                middle = y + self.BAR / 2 + 4.5
                parts.append(self.text(self.LEFT - 10, middle, label, 'text-anchor="end"'))
                parts.append(f'<rect x="{self.LEFT}" y="{y}" width="{value * scale:.1f}" height="{self.BAR}" rx="2" fill="#3b78b5"/>')
                parts.append(self.text(self.LEFT + value * scale + 6, middle, f"{value:.2f}"))
                y += self.BAR + self.GAP
            y += 12
        one = self.LEFT + scale
        parts.append(f'<line x1="{one:.1f}" y1="72" x2="{one:.1f}" y2="{y - 8}" stroke="#c0392b" stroke-dasharray="4 3"/>')
        parts.append(self.text(one, y + 8, "1: reading and parsing alone", 'text-anchor="middle" fill="#c0392b"'))
        height = y + 24
        return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.WIDTH} {height}" width="{self.WIDTH}" height="{height}" '
                f'font-family="Helvetica, Arial, sans-serif" font-size="13" fill="#222">\n'
                f'<rect width="{self.WIDTH}" height="{height}" fill="#fff"/>\n'
                + self.text(24, 32, self.title, 'font-size="17" font-weight="bold"')
                + self.text(24, 54, self.subtitle, 'fill="#555"') + "".join(parts) + "</svg>\n")

    @staticmethod
    def text(x, y, content, style=""):
        return f'<text x="{x:.1f}" y="{y:.1f}" {style}>{html.escape(content)}</text>\n'
