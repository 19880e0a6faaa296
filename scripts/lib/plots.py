"""What the scripts of scripts/plots share: where results and pictures lie, colours, names.
Matplotlib is needed only where something is drawn."""
import functools
import io
import json
import pathlib

from lib import command

# Okabe and Ito's colours, which colour-blind people tell apart, and markers for print.
BLACK, GREY = "#000000", "#999999"
ORANGE, SKY, GREEN, YELLOW = "#e69f00", "#56b4e9", "#009e73", "#f0e442"
BLUE, VERMILION, PURPLE = "#0072b2", "#d55e00", "#cc79a7"
CLUSTERS = {"Baseline-A100": (GREY, "s"), "Baseline-H100": (BLACK, "D"),
            "Splitwise-AA": (ORANGE, "o"), "Splitwise-HH": (BLUE, "^"),
            "Splitwise-HA": (GREEN, "v"), "Splitwise-HHcap": (PURPLE, "P")}
VARIANTS = {"preset": "preset splitwise-sim", "default": "default"}
VARIANT_COLOURS = {"preset": SKY, "default": BLUE}

STYLE = {
    "font.size": 9, "axes.titlesize": 10, "axes.spines.top": False, "axes.spines.right": False,
    "axes.grid": True, "axes.axisbelow": True, "grid.color": "#dddddd", "legend.frameon": False}


@functools.cache
def pyplot():
    try:
        import matplotlib
        import PIL.Image  # noqa: F401 (save() needs it)
    except ImportError as error:
        raise command.Trouble(f"{error}; expected matplotlib and Pillow (on Debian: apt-get install "
                              "python3-matplotlib and /usr/bin/python3)") from error
    matplotlib.use("Agg")
    from matplotlib import pyplot as loaded
    loaded.rcParams.update(STYLE)
    return loaded


def draw_results(description, draw):
    """A script that draws what scripts/reproduce has written: all it does is draw(results)."""
    def main():
        parser = command.parser(description)
        parser.add_argument("folder", metavar="DIR", type=pathlib.Path,
                            help="into which scripts/reproduce has written")
        folder = parser.parse_args().folder
        file = folder / "results.json"
        if not file.exists():
            raise command.Trouble(f"{file} is missing; scripts/reproduce {folder} writes it")
        draw(json.loads(file.read_text()))
    command.end_with(main)


def save(figure, name):
    """Into scripts/plots, in few colours to be small, and without a date: the same results give the
    same file."""
    from PIL import Image
    drawn = io.BytesIO()
    figure.savefig(drawn, dpi=110)
    pyplot().close(figure)
    file = command.ROOT / f"scripts/plots/{name}.png"
    Image.open(drawn).convert("RGB").quantize(64).save(file, optimize=True)


def grouped_bars(axis, values, text="{:.0f}"):
    """Bars by cluster, one for each variant: values[variant][cluster]."""
    width = 0.4
    for i, (variant, by_cluster) in enumerate(values.items()):
        places = [at + (i - 0.5) * width for at in range(len(by_cluster))]
        bars = axis.bar(places, by_cluster.values(), width, color=VARIANT_COLOURS[variant],
                        label=VARIANTS[variant])
        axis.bar_label(bars, [text.format(v) for v in by_cluster.values()], fontsize=7, padding=1)
    axis.set_xticks(range(len(CLUSTERS)), [name.replace("-", "\n") for name in CLUSTERS],
                    fontsize=7.5)
    axis.grid(axis="x", visible=False)
