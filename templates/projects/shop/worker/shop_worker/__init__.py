"""The shop's worker: takes orders from the queue, confirms them, writes a mail for each."""
