"""The best run: which classes it takes for which, and its first filters."""

from collections.abc import Sequence

import altair as alt

from lenetlab.problem.problems import DEFAULT, DIGITS, PROBLEMS
from lenetlab.report.charts.digits import short
from lenetlab.report.charts.rows import Rows
from lenetlab.report.charts.selection import Drawing

SHORT = ["T-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker",
         "bag", "ankle boot"]  # fmt: skip


def classes_of(problem: str) -> list[str]:
    """The ten classes of a problem; of somebody's own images their numbers."""
    if problem == DEFAULT:
        return SHORT
    return list(PROBLEMS[problem].classes if problem in PROBLEMS else DIGITS)


def confusion(counts: Sequence[Sequence[int]], scenario: str, problem: str = DEFAULT) -> Drawing:
    """The confusion matrix `counts[truth][answer]` of test images (10, 10); the shades are of the
    mistakes, which the thousand right ones of a class would drown."""
    classes = classes_of(problem)
    rows = [
        {"truth": classes[i], "answer": classes[j], "images": n, "mistakes": n if i != j else None}
        for i, line in enumerate(counts)
        for j, n in enumerate(line)
    ]
    most = max(n for i, line in enumerate(counts) for j, n in enumerate(line) if i != j)
    base = alt.Chart(Rows(rows, f"confusion, {scenario}")).encode(
        x=alt.X("answer:N", sort=classes, title="answer").axis(labelAngle=-45, grid=False),
        y=alt.Y("truth:N", sort=classes, title="truth").axis(grid=False),
        tooltip=["truth:N", "answer:N", "images:Q"],
    )
    return alt.layer(
        base.mark_rect().encode(
            color=alt.Color("mistakes:Q", legend=None)
            .scale(scheme="blues", type="sqrt", domain=[0, max(most, 1)])
        ).transform_filter("isValid(datum.mistakes)"),
        base.mark_text(fontSize=10).encode(
            text=alt.condition("datum.images > 0", "images:Q", alt.value("")),
            # on the shades the text must be read whatever the page's ink is
            color=alt.condition(
                f"datum.mistakes > {most * 0.45}", alt.value("white"), alt.value("black")
            ),
        ).transform_filter("isValid(datum.mistakes)"),
        base.mark_text(fontSize=10, fontWeight="bold")
        .encode(text="images:Q")
        .transform_filter("!isValid(datum.mistakes)"),
    ).properties(
        height=260,
        description="Confusion matrix of the leader's run on the test images: a row for each true "
        "class, a column for each predicted class; the diagonal counts the right ones.",
    )  # fmt: skip


def filters(weights: Sequence[Sequence[Sequence[float]]], scenario: str) -> Drawing:
    """The first layer's filters (6, 5, 5), each a small picture; white is zero, the two colours
    are the signs, on one scale for all."""
    rows = [
        {"filter": f"filter {k + 1}", "row": i, "column": j, "weight": short(value, 4)}
        for k, one in enumerate(weights)
        for i, line in enumerate(one)
        for j, value in enumerate(line)
    ]
    most = max(abs(value) for one in weights for line in one for value in line)
    drawn: Drawing = (
        alt.Chart(Rows(rows, f"filters, {scenario}"))
        .mark_rect()
        .encode(
            x=alt.X("column:O", axis=None),
            y=alt.Y("row:O", axis=None),
            color=alt.Color("weight:Q", title="weight", scale=alt.Scale(
                scheme="purpleorange", reverse=True, domain=[-most, most])),
            tooltip=["filter:N", "row:O", "column:O", "weight:Q"],
        )
        .properties(width=70, height=70)
        .facet(facet=alt.Facet("filter:N", title=None), columns=3)
        .properties(description="The leader's six filters of 5 × 5 weights in the first layer.")
    )  # fmt: skip
    return drawn
