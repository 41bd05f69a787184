"""The colours of charts and figures.

A family of methods has one colour in every chart, on page and paper, light and dark: each stands
out from white and from a dark page by 3 : 1 at least, and from the others for colour-blind readers
too, as far as ten colours can. Methods of a family differ by dash and shape.

`COLOURS` are Okabe and Ito's without the yellow that vanishes on white, for figures of single runs.
"""

FAMILY_COLOURS = {
    "basic": "#627782",
    "noise_reduction": "#826221",
    "momentum": "#009FBF",
    "adaptive": "#0072B2",
    "line_search": "#AE74E8",
    "second_order": "#4B9664",
    "matrix": "#D55E00",
    "constrained": "#FC3F9E",
    "derivative_free": "#3A57E8",
    "outside": "#FC3F5F",
}
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
INK, PAPER_INK = "#1a1a1a", "#000000"
