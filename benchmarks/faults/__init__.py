"""Studies killed, interrupted and damaged: what is lost?"""
