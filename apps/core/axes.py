"""Measures of charts, as percentages for SVG attributes: a page then needs neither script nor inline style."""


def share(part: int, whole: int) -> str:
    """`part` of `whole` as a percentage with one decimal, "0%" of nothing."""
    return f"{100 * part / whole:.1f}%" if whole else "0%"


def ticks(highest: int, unit: int) -> list[int]:
    """From the top down, ending in 0: two or three equal steps of 1, 2 or 5 times a power of ten times `unit`, the fewest that
    reach `highest`."""
    scale = unit
    while True:
        for step in (scale, 2 * scale, 5 * scale):
            for lines in (2, 3):
                if highest <= step * lines:
                    return [step * line for line in range(lines, -1, -1)]
        scale *= 10
