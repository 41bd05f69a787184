"""What is said of results in words, each sentence only where it is true of these runs.

Page, paper and `lenetlab compare` take their sentences from here. What a sentence rests on is read
from the rows: how many seeds there are, which machines, what was tuned, what could be compared. A
folder of single runs has no plan, so nothing is said of one.
"""
