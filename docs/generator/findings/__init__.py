"""Findings: one a file, each a claim that is worded by the committed rows; `../findings_page.py`
puts them on a page."""
