"""The paper of a study: some ten pages as PDF, or Markdown and TeX for one's own.

It is written once, in Markdown with Jinja (templates/paper.md.jinja), and translated to Typst and
TeX from there; numbers come in through `numbers.Numbers` alone.
"""
