"""The colours of methods in every chart and figure: Okabe and Ito's, told apart by colour-blind
readers, without the yellow that vanishes on white. The ink itself is the seventh."""

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
INK, PAPER_INK = "#1a1a1a", "#000000"
