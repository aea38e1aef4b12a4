"""The special pieces of every tokenizer trained here, and their numbers."""

UNKNOWN, BEGIN, END, PADDING = 0, 1, 2, 3  # <unk>, <s>, </s>, <pad>
ROLES = ("<|system|>", "<|user|>", "<|assistant|>", "<|end|>")
RESERVED = tuple(f"<|control_{index}|>" for index in range(12))  # for what models will be taught later
CONTROL = ("<unk>", "<s>", "</s>", "<pad>", *ROLES, *RESERVED)  # by number
WHITE_SPACE = ("\n", "\n\n", "\t")  # always a piece of their own
SPACE = "\u2581"  # how SentencePiece writes a space
