"""A process that holds models and tokenizers for whoever asks: the app, the HTTP server, a command.

One process a home, at a unix socket in it; the interface, which imports neither torch nor SentencePiece, asks there.
It is started by who needs it first, and ends with its last client.
"""
