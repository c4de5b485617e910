"""One session looked at closely, so that whoever doubts a verdict can check it.

``target`` says which sessions are meant; ``witness`` listens to their conversations, and to no others, and gives an
``account`` of each; ``search`` finds the one session among all; ``reasons`` has the words for why.
"""
