"""The page of a study: one HTML file that needs nothing else, offline, on a phone or a wide screen.

    render.py     results → the file
    study.py      what was studied, in sentences
    boards.py     the leaderboards
    detail.py     what opens behind a number
    drawings.py   charts (lenetlab.report.charts) with their captions and numbers
    table.py      columns and fields
    templates/    the HTML in pieces, page.css, page.js

Python decides what is said and templates how it stands; the script only sorts, hides and opens.
"""
