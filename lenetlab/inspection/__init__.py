"""What an optimizer does inside: noise, curvature, layers, landscapes; and theory beside practice.

Everything here is computed after a run or beside it, by an oracle with a ledger of its own: no run
pays for it, and none has other bits because of it.
"""
