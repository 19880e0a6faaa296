"""What the scripts of scripts/plots share: where results and pictures lie, colours, names."""
import io
import json
import pathlib
import sys

import matplotlib
from PIL import Image
matplotlib.use("Agg")
from matplotlib import pyplot  # noqa: E402

# Okabe and Ito's colours, which colour-blind people tell apart, and markers for print.
BLACK, GREY = "#000000", "#999999"
ORANGE, SKY, GREEN, YELLOW = "#e69f00", "#56b4e9", "#009e73", "#f0e442"
BLUE, VERMILION, PURPLE = "#0072b2", "#d55e00", "#cc79a7"
CLUSTERS = {"Baseline-A100": (GREY, "s"), "Baseline-H100": (BLACK, "D"),
            "Splitwise-AA": (ORANGE, "o"), "Splitwise-HH": (BLUE, "^"),
            "Splitwise-HA": (GREEN, "v"), "Splitwise-HHcap": (PURPLE, "P")}
VARIANTS = {"preset": "preset splitwise-sim", "default": "default"}
VARIANT_COLOURS = {"preset": SKY, "default": BLUE}

pyplot.rcParams.update({
    "font.size": 9, "axes.titlesize": 10, "axes.spines.top": False, "axes.spines.right": False,
    "axes.grid": True, "axes.axisbelow": True, "grid.color": "#dddddd", "legend.frameon": False})


def results(usage):
    """What scripts/reproduce wrote into the folder that the command line names."""
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        sys.exit(usage.strip())
    file = pathlib.Path(sys.argv[1], "results.json")
    if not file.exists():
        sys.exit(f"{file} is missing; scripts/reproduce {sys.argv[1]} writes it")
    return json.loads(file.read_text())


def save(figure, name):
    """Into scripts/plots, in few colours to be small, and without a date: the same results give the
    same file."""
    folder = pathlib.Path(__file__).resolve().parent.parent / "plots"
    drawn = io.BytesIO()
    figure.savefig(drawn, dpi=110)
    pyplot.close(figure)
    Image.open(drawn).convert("RGB").quantize(64).save(folder / f"{name}.png", optimize=True)


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
