"""A year of a large network, put into a store: how fast that goes, how much memory it takes, how quickly it answers."""
