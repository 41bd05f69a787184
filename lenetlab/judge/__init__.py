"""The judge: does this checkpoint obey the rules, and what does it score?"""
