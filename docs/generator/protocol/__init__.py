"""What the statistics of the protocol are worth, simulated with the parameters of the committed
rows; `../protocol_tables.py` puts the tables on its page."""
