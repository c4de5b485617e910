"""A live run in a flood of connections: does its memory level off, are real sessions found, how late is an alert?"""
