"""The parts of the project's pages that scripts write."""
from lib.command import ROOT, Trouble


def table(head, rows):
    """In Markdown; of texts."""
    return "\n".join("| " + " | ".join(line) + " |" for line in [head, ["---"] * len(head), *rows])


def replaced(page, script, text):
    """The text of a page with `text` between the markers of `script`."""
    begin, end = f"<!-- begin: written by {script} -->\n", "<!-- end -->"
    before, found_begin, rest = page.partition(begin)
    _, found_end, after = rest.partition(end)
    if not found_begin or not found_end or begin in after:
        raise Trouble(f"expected {begin.strip()} once, and {end} after it")
    return f"{before}{begin}{text}\n{end}{after}"


def put_between(page, script, text, root=ROOT):
    """Replaces what stands between the markers of `script` in a page of the project."""
    path = root / page
    try:
        path.write_text(replaced(path.read_text(), script, text))
    except Trouble as trouble:
        raise Trouble(f"{page}: {trouble}") from trouble
