"""The page of a study: one HTML file that needs nothing else, offline, on a phone or a wide screen,
on paper, and without scripts.

    write.py         results → the file
    answer.py        what it begins with: a sentence, and accuracy for the computation in one figure
    glance.py        the leaders of all leaderboards
    leaderboards.py  a leaderboard with all that belongs to it
    board_table.py   its table; choosing.py what held-out images said of it
    cell.py          what opens behind a number
    drawings.py      charts (lenetlab.report.charts) with their captions and numbers
    drawn.py         a chart ready to stand; still.py as a picture that is always there
    table.py         columns and fields
    templates/       the HTML in pieces, page.css, page.js

Python decides what is said and templates how it stands; the script only sorts, hides and opens.
"""
